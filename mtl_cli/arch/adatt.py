"""AdaTT: every task has experts of its own, and at every level fuses them with all the others'.

Li, Zhang, Yuan, Gao, Zhang, Yang, Liu & Yang, "AdaTT: Adaptive Task-to-Task Fusion Network for
Multitask Learning in Recommendations", KDD 2023, https://arxiv.org/abs/2304.04959, equations 2-11
and section 3.2.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate
from mtl_cli.arch.experts import expert_trunk
from mtl_cli.arch.fusion import Fusion
from mtl_cli.arch.levels import split_stages
from mtl_cli.arch.loop import Each
from mtl_cli.arch.mixture import by_task, mix
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.rows import take_rows


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
        self.at_stages(self.experts.stage_shapes)
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
        stops = self.stops(tasks)
        for level, fusion in zip(self.levels, self.in_order, strict=True):
            units = by_task(f) if level.start else []
            reads: Each = [units[owner] for owner in self.owners] if level.start else x
            is_last = level.stop == self.experts.num_stages
            wanted = [self.order[task] for task in tasks] if is_last else None
            inside = [s for s in stops if s in level[:-1]]
            *inner, h = self.experts.pausing(inside, reads, input, level)  # each [E, B, ...]
            if len(self.levels) == 1:
                h = self.mark_representation(h)
            weights = fusion.weigh(f, input, wanted)  # [U, B, E]
            fused = fusion.units[input] if wanted is None else wanted
            for stage, own in zip(inside, inner, strict=True):
                self.tap(stage, self.fused(self.tapping(stage, tasks), fused, weights, own))
            f = mix(weights, h)
            if level[-1] in stops:
                places = {task: fused.index(self.order[task]) for task in tasks}
                self.tap(level[-1], {task: f[place] for task, place in places.items()})
        return dict(zip(tasks, f, strict=True))

    def fused(
        self, tasks: list[str], units: list[int], weights: Tensor, features: Tensor
    ) -> dict[str, Tensor]:
        """The experts [E, B, ...] as some tasks fuse them, by the units' weights [U, B, E]."""
        chosen = take_rows(weights, [units.index(self.order[task]) for task in tasks])
        return dict(zip(tasks, by_task(mix(chosen, features)), strict=True))

    def expert_weights(self) -> list[Gate]:
        """What each task's sum multiplies the experts by: the gate's weights and v."""
        names = [*self.order, "shared"]
        own = self.owners
        experts = [f"{names[unit]} {own[:e].count(unit) + 1}" for e, unit in enumerate(own)]
        gates = []
        for level, fusion in enumerate(self.in_order, 1):
            where = f"level {level}" if len(self.fusions) > 1 else ""
            for input, (units, weights) in fusion.weighed.items():
                at = [n for n, unit in enumerate(units) if self.tasks.get(names[unit]) == input]
                gates.append(Gate(where, [names[units[n]] for n in at], experts, weights[at]))
        return gates

    @property
    def in_order(self) -> list[Fusion]:
        return [fusion for fusion in self.fusions if isinstance(fusion, Fusion)]

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return self.fusions[-1].parameters()

    def last_shared_layer(self) -> nn.Module:
        return self.experts
