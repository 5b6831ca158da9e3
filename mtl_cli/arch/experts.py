"""Many modules of one shape computed as one: E experts, E columns or K gates in one kernel.

A stack works on tensors with the copies in front, ``[E, B, ...]``. Linear maps become one batched
product, functions without parameters run once on all copies, and whatever else a stage holds is
looped over, so that every encoder can be stacked and the usual ones are fast. Where only some of
the copies are wanted, ``rows`` says which, and the others are not computed.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_cli.activation import ACTIVATIONS
from mtl_cli.arch.base import MakeEncoder, Trunk
from mtl_cli.arch.mixture import batch_innermost, expert_softmax
from mtl_cli.batch import Bag, Examples
from mtl_cli.inputs import BagLinear, CountTokens, InputSpec, bag_linear
from mtl_cli.naming import module_key

ELEMENTWISE = (*ACTIVATIONS.values(), nn.Dropout, nn.Identity)
Rows = list[int] | None


class StackedLinear(nn.Module):
    """E linear maps at once. Weight [E, O, F], bias [E, O].

    Args:
        linears: the maps, of one shape; their values are taken over.
        shared_input: whether they all read the same ``x`` [B, F], else each its own [E, B, F].

    Attributes:
        relu: whether a ReLU follows. It is applied in place, to the product itself: of the view
            that is given on, autograd would make a copy.
    """

    def __init__(self, linears: Sequence[nn.Linear], shared_input: bool) -> None:
        super().__init__()
        self.weight = stack_parameters([linear.weight for linear in linears])
        has_bias = linears[0].bias is not None
        self.bias = stack_parameters([linear.bias for linear in linears]) if has_bias else None
        self.shared_input = shared_input
        self.relu = False

    def forward(self, x: Tensor, rows: Rows = None) -> Tensor:
        weight: Tensor = self.weight
        bias: Tensor | None = self.bias
        if rows is not None:
            weight, bias = weight[rows], None if bias is None else bias[rows]
        if self.shared_input:  # one wide product, seen as E narrow ones
            wide, offset = weight.flatten(0, 1), None if bias is None else bias.flatten()
            if batch_innermost(len(x), len(wide), x.device):
                flat = wide @ x.T if offset is None else torch.addmm(offset[:, None], wide, x.T)
                return self.activate(flat).unflatten(0, weight.shape[:2]).transpose(1, 2)
            flat = nn.functional.linear(x, wide, offset)
            return self.activate(flat).unflatten(-1, weight.shape[:2]).transpose(0, 1)
        innermost = x.stride(1) == 1 and x.stride(2) != 1  # the batch is, and stays so
        first, second = (weight, x.mT) if innermost else (x, weight.mT)
        if bias is None:
            product = torch.bmm(first, second)
        else:
            product = torch.baddbmm(bias.unsqueeze(2 if innermost else 1), first, second)
        product = self.activate(product)
        return product.mT if innermost else product

    def activate(self, product: Tensor) -> Tensor:
        return product.relu_() if self.relu else product


class StackedBagLinear(nn.Module):
    """E linear maps of one bag of words, as one wide ``EmbeddingBag``. Weight [V, E, O]."""

    def __init__(self, linears: Sequence[BagLinear]) -> None:
        super().__init__()
        self.weight = stack_parameters([linear.weight for linear in linears], dim=1)
        biases = [linear.bias for linear in linears if linear.bias is not None]
        self.bias = stack_parameters(biases) if biases else None

    def forward(self, x: Bag, rows: Rows = None) -> Tensor:
        weight: Tensor = self.weight
        bias: Tensor | None = self.bias
        if rows is not None:
            weight, bias = weight[:, rows], None if bias is None else bias[rows]
        flat = bag_linear(x, weight.flatten(1), None if bias is None else bias.flatten())
        return flat.unflatten(-1, weight.shape[1:]).transpose(0, 1)  # [E, B, O]


class Loop(nn.Module):
    """E modules one after the other, for what has no batched form."""

    def __init__(self, modules: Sequence[nn.Module], shared_input: bool) -> None:
        super().__init__()
        self.copies = nn.ModuleList(modules)
        self.shared_input = shared_input

    def forward(self, x: Examples, rows: Rows = None) -> Tensor:
        copies = list(self.copies) if rows is None else [self.copies[row] for row in rows]
        if self.shared_input:
            return torch.stack([module(x) for module in copies])
        assert isinstance(x, Tensor)
        return torch.stack([module(part) for module, part in zip(copies, x, strict=True)])


class Stack(nn.Sequential):
    """Layers one after the other, each for all copies at once."""

    def forward(self, x: Examples, rows: Rows = None) -> Tensor:
        for layer in self:
            stacked = isinstance(layer, StackedLinear | StackedBagLinear)
            x = layer(x, rows) if stacked else layer(x)
        assert isinstance(x, Tensor)
        return x


class Flatten(nn.Module):
    """Flattens all but the copies and the batch: [E, B, ...] to [E, B, F]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2)


def stack_parameters(values: Sequence[Tensor], dim: int = 0) -> nn.Parameter:
    """One parameter that holds the values side by side."""
    return nn.Parameter(torch.stack([value.detach() for value in values], dim))


def stack(modules: Sequence[nn.Module], shared_input: bool) -> nn.Module:
    """One module that computes what ``modules``, which are alike, compute one by one.

    It reads ``x`` [B, ...] where ``shared_input``, else [E, B, ...], and gives [E, B, ...]; with
    ``rows``, E counts those copies only.
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
        elif type(first) is nn.ReLU and stacked and isinstance(stacked[-1], StackedLinear):
            stacked[-1].relu = True
        elif type(first) is nn.ReLU and not reads_shared:
            stacked.append(nn.ReLU())  # not in place: what comes before may be a view
        elif type(first) in ELEMENTWISE and not reads_shared:
            stacked.append(first)
        else:
            return Loop(modules, shared_input)
        reads_shared = False
    return Loop(modules, shared_input) if reads_shared else Stack(*stacked)


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
        logits = self.linears[module_key(input)](x)  # [all of the input's tasks, B, E]
        if tasks != self.order[input]:
            logits = logits[[self.order[input].index(task) for task in tasks]]
        return expert_softmax(logits)
