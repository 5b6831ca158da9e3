"""The selectors of DSelect-k: the gates that give their codes, and the weights that codes give.

Hazimeh et al., "DSelect-k: Differentiable Selection in the Mixture of Experts with Applications to
Multi-Task Learning", NeurIPS 2021, https://arxiv.org/abs/2106.03760, section 3.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtl_cli.arch.experts import stack
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.naming import module_key
from mtl_cli.basis.rows import take_rows

START_W = 0.05  # w starts uniform in -+ this, as in the authors' code


class StaticGates(nn.Module):
    """Gates that are the same for all examples: z [K, k, bits, 1] and w [K, k, 1].

    Args:
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_nonzeros: k.
        num_bits: of an expert's number.
        gamma: the width of the smooth step.
    """

    def __init__(
        self,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_nonzeros: int,
        num_bits: int,
        gamma: float,
    ) -> None:
        super().__init__()
        self.order = list(tasks)
        self.z = nn.Parameter(torch.empty(len(tasks), num_nonzeros, num_bits, 1))
        self.w = nn.Parameter(torch.empty(len(tasks), num_nonzeros, 1))
        nn.init.uniform_(self.z, -gamma / 100, gamma / 100)
        nn.init.uniform_(self.w, -START_W, START_W)

    def forward(self, x: Examples, input: str, tasks: list[str]) -> tuple[Tensor, Tensor]:
        if tasks == self.order:
            return self.z, self.w
        rows = [self.order.index(task) for task in tasks]
        return take_rows(self.z, rows), take_rows(self.w, rows)


class ExampleGates(nn.Module):
    """Gates that are linear in the input, with a bias: z [K, k, bits, B] and w [K, k, B].

    Args: see `StaticGates`.
    """

    def __init__(
        self,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_nonzeros: int,
        num_bits: int,
        gamma: float,
    ) -> None:
        super().__init__()
        self.order = {name: [t for t, read in tasks.items() if read == name] for name in inputs}
        self.shape = (num_nonzeros, num_bits)

        def linears(out_features: int, bound: float) -> nn.ModuleDict:
            made = nn.ModuleDict()
            for name, spec in inputs.items():
                copies = [spec.linear(out_features) for _ in self.order[name]]
                for parameter in nn.ModuleList(copies).parameters():
                    nn.init.uniform_(parameter, -bound, bound)
                made[module_key(name)] = stack(copies, True)
            return made

        self.z = linears(num_nonzeros * num_bits, gamma / 100)
        self.w = linears(num_nonzeros, START_W)

    def forward(self, x: Examples, input: str, tasks: list[str]) -> tuple[Tensor, Tensor]:
        order = self.order[input]
        rows = None if tasks == order else [order.index(task) for task in tasks]
        z, w = (linears[module_key(input)](x, rows) for linears in (self.z, self.w))
        # The batch goes last, where the many operations on few numbers an example are long ones.
        z, w = (logits.transpose(1, 2).contiguous() for logits in (z, w))
        return z.unflatten(1, self.shape), w


def smooth_step(z: Tensor, gamma: float) -> Tensor:
    """S(z): a cubic from 0 at -gamma / 2 to 1 at gamma / 2, flat outside."""
    u = (z / gamma).clamp(-0.5, 0.5)
    return u * (1.5 - 2 * u * u) + 0.5


def select(steps: Tensor, num_experts: int) -> Tensor:
    """The experts' weights r for the smooth steps of the bits: [..., bits, B] -> [..., E, B].

    The codes are doubled bit by bit, which takes two products a code, however many bits there are.
    """
    r = torch.ones_like(steps[..., :1, :])
    for step in steps.split(1, -2):
        r = torch.cat([r * (1 - step), r * step], -2)
    return r[..., :num_experts, :]
