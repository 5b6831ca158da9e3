"""Many modules of one shape computed as one: E experts, E columns or K gates in one kernel.

A stack works on tensors with the copies in front, ``[E, B, ...]``. Linear maps become one batched
product, functions without parameters run once on all copies, and whatever else a stage holds is
looped over, so that every encoder can be stacked and the usual ones are fast. Where only some of
the copies are wanted, ``rows`` says which, and the others are not computed. Copies that each have
an input of their own may also share it in groups: of G inputs each serves E / G copies in turn.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mtl_cli.arch.loop import Loop
from mtl_cli.arch.mixture import expert_softmax
from mtl_cli.arch.stacked_linear import Rows, StackedBagLinear, StackedLinear, StackedRowLinear
from mtl_cli.arch.trunk import MakeEncoder, Trunk
from mtl_cli.basis.activation import ACTIVATIONS
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.linear_maps import BagLinear, CountTokens, RowLinear
from mtl_cli.basis.naming import module_key
from mtl_cli.basis.rows import take_rows

ELEMENTWISE = (*ACTIVATIONS.values(), nn.Dropout, nn.Identity)


class Stack(nn.Sequential):
    """Layers one after the other, each for all copies at once."""

    def forward(self, x: Examples, rows: Rows = None) -> Tensor:
        for layer in self:
            x = layer(x, rows) if has_own_values(layer) else layer(x)
        assert isinstance(x, Tensor)
        return x


class Flatten(nn.Module):
    """Flattens all but the copies and the batch: [E, B, ...] to [E, B, F]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2)


def stack(modules: Sequence[nn.Module], shared_input: bool) -> nn.Module:
    """One module that computes what ``modules``, which are alike, compute one by one.

    It reads ``x`` [B, ...] where ``shared_input``, else [G, B, ...], and gives [E, B, ...], or
    [G, B, ...] where it has no parameters; with ``rows``, E counts those copies only.
    """
    stacked: list[nn.Module] = []
    reads_shared = shared_input
    for copies in zip(*map(layers_of, modules), strict=True):
        first = copies[0]
        if type(first) is nn.Flatten and first.start_dim == 1:
            stacked.append(first if reads_shared else Flatten())
            continue
        if type(first) is CountTokens and reads_shared:
            stacked.append(first)
            continue
        if type(first) is nn.Linear:
            stacked.append(StackedLinear(copies, reads_shared))
        elif type(first) is BagLinear:
            stacked.append(StackedBagLinear(copies))
        elif type(first) is RowLinear:
            stacked.append(StackedRowLinear(copies))
        elif type(first) is nn.ReLU and stacked and isinstance(stacked[-1], StackedLinear):
            stacked[-1].relu = True
        elif type(first) is nn.ReLU and not reads_shared:
            stacked.append(nn.ReLU())  # not in place: what comes before may be a view
        elif type(first) is nn.Dropout and not any(map(has_own_values, stacked)):
            return Loop(modules, shared_input)  # copies with one input are to drop differently
        elif type(first) in ELEMENTWISE and not reads_shared:
            stacked.append(first)
        else:
            return Loop(modules, shared_input)
        reads_shared = False
    return Loop(modules, shared_input) if reads_shared else Stack(*stacked)


def has_own_values(layer: nn.Module) -> bool:
    """Whether a layer of a stack tells its copies apart."""
    return isinstance(layer, StackedLinear | StackedBagLinear | StackedRowLinear)


def layers_of(module: nn.Module) -> list[nn.Module]:
    """The layers of a module that only calls them in order; of any other, itself."""
    if type(module) is nn.Sequential:
        return [layer for child in module for layer in layers_of(child)]
    return [module]


def expert_trunk(
    make_encoder: MakeEncoder, inputs: Mapping[str, InputSpec], num_experts: int
) -> Trunk:
    """E encoders side by side for each input: ``forward(x, input) -> [E, B, *shape]``."""
    return Trunk(make_encoder, inputs, num_experts, stack)


class Gates(nn.Module):
    """A softmax gate for each task on its input: ``softmax(W_k x + b_k)`` over the experts.

    Args:
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_experts: E.
        bias: whether the gates have a ``b_k``.
    """

    def __init__(
        self,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_experts: int,
        bias: bool,
    ) -> None:
        super().__init__()
        self.order = {name: [t for t, read in tasks.items() if read == name] for name in inputs}
        self.linears = nn.ModuleDict(
            {
                module_key(name): stack(
                    [spec.linear(num_experts, bias) for _ in self.order[name]], True
                )
                for name, spec in inputs.items()
            }
        )

    def forward(self, x: Examples, input: str, tasks: list[str]) -> Tensor:
        """The weights of the experts for ``tasks``, [K, B, E]."""
        own = self.linears[module_key(input)]
        if tasks == self.order[input]:
            return expert_softmax(own(x))
        rows = [self.order[input].index(task) for task in tasks]
        looped = isinstance(own, Loop)  # which runs no other gate; a stack's are one product
        return expert_softmax(own(x, rows) if looped else take_rows(own(x), rows))
