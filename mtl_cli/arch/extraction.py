"""Extraction levels: shared and task-specific experts kept apart, and gates that mix them.

Tang, Liu, Zhao & Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL)
Model for Personalized Recommendations", RecSys 2020, https://doi.org/10.1145/3383313.3412236,
equations 1-3 and 5.

A level is some consecutive stages of the encoder. One path through the levels is shared and each
task has one of its own; experts and gates read the path that they belong to.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from mtl_cli.arch.base import Gate
from mtl_cli.arch.loop import together
from mtl_cli.arch.mixture import by_task, expert_softmax, mix
from mtl_cli.arch.task_experts import TaskExperts, places
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.rows import take_rows
from mtl_cli.encoder.base import Shape

Paths = Mapping[str, Examples]  # {task: where its path has come to}


class Passed(NamedTuple):
    """What a level gives.

    Args:
        experts: the shared ones' features, [E, B, *shape].
        shared: the shared path.
        paths: the tasks'.
        tapped: ``{stage: {task: its mix after it}}``.
    """

    experts: Tensor
    shared: Examples
    paths: dict[str, Tensor]
    tapped: dict[int, dict[str, Tensor]]


class Level(nn.Module):
    """``g_k = sum_i softmax(W_k x_k + b_k)_i E_i(x)``, i over task k's own and the shared experts.

    An expert reads the path of its owner. At the first level (equations 1-3) every path is the
    input; later (equation 5) it is what the level before gave, and gates read a map's channels'
    means. Except at the last level, one more gate, over all experts of all tasks, gives the shared
    path.

    Args:
        shared: the shared experts.
        tasks: all tasks' experts and gates.
        gate: the shared path's, over the shared experts and then all of ``tasks``; None at the
            last level.
        in_shapes: ``{input name: the shape that the level before gives}``; None at the first.
        mixes_all: whether all tasks' paths go on, or only those that are asked for.
        stages: which of the encoder's its experts are.
    """

    def __init__(
        self,
        shared: nn.Module,
        tasks: Iterable[TaskExperts],
        gate: nn.Module | None,
        in_shapes: Mapping[str, Shape] | None,
        mixes_all: bool,
        stages: range,
    ) -> None:
        super().__init__()
        self.shared = shared
        self.tasks = nn.ModuleList(tasks)
        self.gate = gate
        self.in_shapes = in_shapes
        self.mixes_all = mixes_all
        self.stages = stages

    @property
    def parts(self) -> list[TaskExperts]:
        return [part for part in self.tasks if isinstance(part, TaskExperts)]

    def forward(
        self,
        shared: Examples,
        own: Paths,
        input: str,
        tasks: list[str],
        tapping: Mapping[int, list[str]],
    ) -> Passed:
        """One level further on all paths.

        Args:
            shared: the shared path, [B, ...].
            own: the tasks' paths; those that are not there are not followed.
            input: which input the paths began with.
            tasks: the tasks that are asked for.
            tapping: ``{stage: those that get the mix after it}``, of stages before the last here.
        """
        stops = [stage - self.stages.start for stage in tapping]
        common: list[Tensor] = self.shared(shared, input, stops=stops)  # each [E, B, *shape]
        everyone = common[-1:]
        found: list[dict[str, Tensor]] = [{} for _ in common]
        for part in self.parts:
            running = [task for task in part.tasks if task in own]
            wanted = [task for task in running if self.mixes_all or task in tasks]
            features: list[Tensor] | list[None] = [None] * len(common)
            if running and part.num_experts:
                features = part.extract(self.stack(own, running), input, running, stops)
                everyone.append(features[-1].flatten(0, 1))
            if not wanted:
                continue
            reads = {task: self.read(own[task], input) for task in wanted}
            weights = part.weigh(self.stack(reads, wanted), input, wanted)
            for mixed, experts, own_experts, asking in zip(
                found, common, features, [*tapping.values(), wanted], strict=True
            ):
                here = [task for task in wanted if task in asking]
                if not here:
                    continue
                if own_experts is not None:
                    own_experts = take_rows(own_experts, places(here, running))
                chosen = take_rows(weights, places(here, wanted))
                mixed |= zip(here, by_task(mix(chosen, experts, own_experts)), strict=True)
        if self.gate is not None:
            weights = expert_softmax(self.gate(self.read(shared, input), input))  # [1, B, all]
            shares = weights.split([len(features) for features in everyone], -1)
            first, *others = map(mix, shares, everyone)
            (shared,) = by_task(sum(others, first))
        *inner, paths = found
        return Passed(common[-1], shared, paths, dict(zip(tapping, inner, strict=True)))

    def expert_weights(self, name: str, reads: Mapping[str, str]) -> Iterator[Gate]:
        """How each task weighed its own and the shared experts, on the input that it reads."""
        for part in self.parts:
            if (found := part.weighed.get(reads[part.tasks[0]])) is not None:
                tasks, weights = found
                num_shared = weights.shape[-1] - part.num_experts
                experts = [f"own {e + 1}" for e in range(part.num_experts)]
                experts += [f"shared {e + 1}" for e in range(num_shared)]
                yield Gate(name, tasks, experts, weights)

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        """The parameters with a slice for each task that no other task's loss reaches."""
        if self.gate is None:
            return self.tasks.parameters()
        # What the shared gate weighs belongs to all: own experts, and gates of levels before them.
        return [] if self.mixes_all else [p for part in self.parts for p in part.gates.parameters()]

    def stack(self, paths: Paths, tasks: list[str]) -> Examples:
        """What the tasks' modules side by side read: the input, or a path for each task."""
        if self.in_shapes is None:  # all paths are the input
            return paths[tasks[0]]
        each: list[Any] = [paths[task] for task in tasks]
        return together(each)

    def read(self, x: Examples, input: str) -> Examples:
        """What a gate reads of a path: the input, later features or the means of a map's channels.

        A map of a text may be shorter than its declared size: what lacks counts as zeros, which is
        what padding is.
        """
        if self.in_shapes is None or len(self.in_shapes[input]) == 1:
            return x
        assert isinstance(x, Tensor)
        return x.flatten(2).sum(2) / math.prod(self.in_shapes[input][1:])  # [B, C]
