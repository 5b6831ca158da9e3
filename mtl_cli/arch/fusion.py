"""Gates that weigh everybody's experts, and each unit's own experts beside them.

Li, Zhang, Yuan, Gao, Zhang, Yang, Liu & Yang, "AdaTT: Adaptive Task-to-Task Fusion Network for
Multitask Learning in Recommendations", KDD 2023, https://arxiv.org/abs/2304.04959.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtl_cli.arch.columns import ByInput
from mtl_cli.arch.experts import stack
from mtl_cli.arch.mixture import expert_softmax
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Shape


class Fusion(nn.Module):
    """The units of one level: ``f_k = sum_i (softmax(W_k x_k + b_k)_i + v_ki) h_i``.

    Args:
        inputs: ``{input name: its spec}``, which the gates of the first level read.
        in_shapes: ``{input name: the shape that the level before gives}``; None at the first.
        units: ``{input name: the units that fuse on it}``; inputs that need the same gates of the
            same units have them together.
        sizes: how many experts each unit that fuses here has; theirs are the first experts.
        num_experts: E.
        learns: whether v is learned; else it is 1.
        bias: whether the gates have a b.
    """

    own: Tensor

    def __init__(
        self,
        inputs: Mapping[str, InputSpec],
        in_shapes: Mapping[str, Shape] | None,
        units: Mapping[str, list[int]],
        sizes: list[int],
        num_experts: int,
        learns: bool,
        bias: bool,
    ) -> None:
        super().__init__()
        self.in_shapes = in_shapes
        self.units = dict(units)
        reads: Mapping[str, InputSpec] = inputs
        if in_shapes is not None:
            reads = {name: Dense(shape[:1]) for name, shape in in_shapes.items()}

        def gates(kind: tuple[InputSpec, tuple[int, ...]]) -> nn.Module:
            spec, fusing = kind
            return stack([spec.linear(num_experts, bias) for _ in fusing], in_shapes is None)

        kinds = {name: (spec, tuple(units[name])) for name, spec in reads.items()}
        self.gates = ByInput(kinds, gates)
        # v starts uniform in -+ 1 / sqrt(experts of its unit), as in the authors' code.
        bounds = torch.tensor([1 / math.sqrt(size) for size in sizes for _ in range(size)])
        self.native = nn.Parameter((2 * torch.rand(len(bounds)) - 1) * bounds) if learns else None
        own = torch.block_diag(*(torch.ones(1, size) for size in sizes))  # [U, experts of units]
        own = nn.functional.pad(own, (0, num_experts - len(bounds)))  # [U, E]
        self.register_buffer("own", own, persistent=False)
        self.weighed: dict[str, tuple[list[int], Tensor]] = {}  # by input: units and their weights

    def weigh(self, x: Examples, input: str, wanted: list[int] | None) -> Tensor:
        """How the units in ``wanted`` (None: all) weigh the experts, [U, B, E]."""
        fusing = self.units[input]
        units = fusing if wanted is None else wanted
        if self.in_shapes is not None:
            assert isinstance(x, Tensor)
            x = self.read(rows(x, units), input)
        chosen = None if units == fusing else [fusing.index(unit) for unit in units]
        gated = expert_softmax(self.gates(x, input, chosen))  # [U, B, E]
        native = self.own
        if self.native is not None:
            rest = native.shape[1] - len(self.native)
            native = native * nn.functional.pad(self.native, (0, rest))
        weights = gated + rows(native, units).unsqueeze(1)
        self.weighed[input] = units, weights.detach()
        return weights

    def read(self, features: Tensor, input: str) -> Tensor:
        """What gates read: vectors [U, B, C] as they are, of maps the channels' means.

        A map of a text may be shorter than its declared size: what lacks counts as zeros, which
        is what padding is.
        """
        assert self.in_shapes is not None
        positions = self.in_shapes[input][1:]
        return features.flatten(3).sum(3) / math.prod(positions) if positions else features


def rows(x: Tensor, numbers: list[int]) -> Tensor:
    """The rows of x with these numbers, in their order; x itself where that is all of them."""
    return x if numbers == list(range(len(x))) else torch.stack([x[i] for i in numbers])
