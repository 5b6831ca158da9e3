"""AdaTT: every task has experts of its own, and at every level fuses them with all the others'.

Li, Zhang, Yuan, Gao, Zhang, Yang, Liu & Yang, "AdaTT: Adaptive Task-to-Task Fusion Network for
Multitask Learning in Recommendations", KDD 2023, https://arxiv.org/abs/2304.04959, equations 2-11
and section 3.2.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate, MakeEncoder
from mtl_cli.arch.columns import ByInput
from mtl_cli.arch.experts import expert_trunk, stack
from mtl_cli.arch.levels import split_stages
from mtl_cli.arch.loop import Each, together
from mtl_cli.arch.mixture import by_task, expert_softmax, mix
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Shape


class AdaTT(Architecture):
    """At each level ``f_k <- sum_i (softmax(W_k f_k + b_k)_i + v_ki) E_i(f_u(i))``, from f_k = x.

    A unit is a task or, with shared experts, what they are shared by; u(i) is the one that expert
    i belongs to, and v_ki is learned where u(i) = k and 0 elsewhere (1 where every unit has one
    expert). The gated sum over all experts is the paper's AllExpertGF, the rest NativeExpertLF,
    the residual part. The shared unit has a gate too, except at the last level. The paper lets
    tasks differ in their number of experts; here they have equally many.

    An expert of a level is some consecutive stages of the encoder, as many in each level as can
    be, later levels having more where it does not come out even. Features of any shape are fused;
    from the second level on, a gate reads the mean over a map's positions. The paper's gates have
    no bias (``gate_bias=false``), the authors' code does.

    Args:
        make_encoder: makes an expert of each level, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_task_experts: experts of each task at each level, at least 1.
        num_shared_experts: experts of all tasks at each level; 0: none, the paper's AdaTT-sp.
        num_levels: L, from 1 to the encoder's stages; None: 2, or 1 with a single stage.
        gate_bias: whether the gates have a ``b_k``.

    Raises:
        ValueError: where there are more levels than stages.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_task_experts: int,
        num_shared_experts: int,
        num_levels: int | None,
        gate_bias: bool,
    ) -> None:
        super().__init__(inputs, tasks)
        check_integer("arch.num_task_experts", num_task_experts, 1, "arch.num_task_experts=2")
        check_integer("arch.num_shared_experts", num_shared_experts, 0, "arch.num_shared_experts=1")
        check_boolean("arch.gate_bias", gate_bias)
        sizes = [num_task_experts] * len(tasks) + [num_shared_experts] * (num_shared_experts > 0)
        self.experts = expert_trunk(make_encoder, inputs, sum(sizes))
        self.levels = split_stages(self.experts.num_stages, num_levels)
        self.out_shapes = {task: self.experts.out_shapes[name] for task, name in tasks.items()}
        self.order = {task: k for k, task in enumerate(tasks)}
        everyone = list(range(len(sizes)))
        readers = {name: [self.order[task] for task in self.readers(name)] for name in inputs}
        self.fusions = nn.ModuleList()
        for level in self.levels:
            is_last = level.stop == self.experts.num_stages
            shapes = {n: own[level.start - 1] for n, own in self.experts.stage_shapes.items()}
            fusion = Fusion(
                inputs,
                in_shapes=shapes if level.start else None,
                units=readers if is_last else dict.fromkeys(inputs, everyone),
                sizes=sizes[: len(tasks)] if is_last else sizes,
                num_experts=sum(sizes),
                learns=max(sizes) > 1,
                bias=gate_bias,
            )
            self.fusions.append(fusion)
        self.owners = [unit for unit, size in enumerate(sizes) for _ in range(size)]

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        f: Any = x  # later [U, B, ...]
        for level, fusion in zip(self.levels, self.fusions, strict=True):
            units = by_task(f) if level.start else []
            reads: Each = [units[owner] for owner in self.owners] if level.start else x
            h = together(self.experts.run(level, reads, input))  # [E, B, ...]
            if len(self.levels) == 1:
                h = self.mark_representation(h)
            is_last = level.stop == self.experts.num_stages
            f = fusion(f, h, input, [self.order[task] for task in tasks] if is_last else None)
        return dict(zip(tasks, f, strict=True))

    def expert_weights(self) -> list[Gate]:
        """What each task's sum multiplies the experts by: the gate's weights and v."""
        names = [*self.order, "shared"]
        own = self.owners
        experts = [f"{names[unit]} {own[:e].count(unit) + 1}" for e, unit in enumerate(own)]
        gates = []
        for level, fusion in enumerate(self.fusions, 1):
            assert isinstance(fusion, Fusion)
            where = f"level {level}" if len(self.fusions) > 1 else ""
            for input, (units, weights) in fusion.weighed.items():
                at = [n for n, unit in enumerate(units) if self.tasks.get(names[unit]) == input]
                gates.append(Gate(where, [names[units[n]] for n in at], experts, weights[at]))
        return gates

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return self.fusions[-1].parameters()

    def last_shared_layer(self) -> nn.Module:
        return self.experts


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

    def forward(self, x: Examples, experts: Tensor, input: str, wanted: list[int] | None) -> Tensor:
        """What the units in ``wanted`` (None: all) make of the experts [E, B, ...]: [U, B, ...]."""
        fusing = self.units[input]
        units = fusing if wanted is None else wanted
        if self.in_shapes is not None:
            assert isinstance(x, Tensor)
            x = self.read(rows(x, units), input)
        chosen = None if units == fusing else [fusing.index(unit) for unit in units]
        gated = expert_softmax(self.gates(x, input, chosen))  # [U, B, E]
        native = self.own
        if self.native is not None:
            native = native * nn.functional.pad(self.native, (0, len(experts) - len(self.native)))
        weights = gated + rows(native, units).unsqueeze(1)
        self.weighed[input] = units, weights.detach()
        return mix(weights, experts)

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
