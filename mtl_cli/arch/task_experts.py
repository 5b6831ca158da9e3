"""Experts that belong to one task each, and the gates that weigh them and the shared ones.

Tang, Liu, Zhao & Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL)
Model for Personalized Recommendations", RecSys 2020, https://doi.org/10.1145/3383313.3412236,
equations 1-3.
"""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from mtl_cli.arch.mixture import expert_softmax
from mtl_cli.basis.batch import Examples


class TaskExperts(nn.Module):
    """The own experts and the gates of tasks that read the same input and have equally many.

    Args:
        tasks: their names.
        num_experts: own experts of each task, M.
        experts: task after task, M for each; None where M is 0.
        gates: one for each task, over its own experts and then the shared ones.
    """

    def __init__(
        self, tasks: Iterable[str], num_experts: int, experts: nn.Module | None, gates: nn.Module
    ) -> None:
        super().__init__()
        self.tasks = list(tasks)
        self.num_experts = num_experts
        self.experts = experts
        self.gates = gates
        self.weighed: dict[str, tuple[list[str], Tensor]] = {}  # see `Architecture`

    def extract(
        self, x: Examples, input: str, tasks: list[str], stops: Sequence[int]
    ) -> list[Tensor]:
        """What the experts of ``tasks`` make of ``x`` after each stop and at the end, as
        [K, M, B, *shape]."""
        assert self.experts is not None
        places = range(self.num_experts)
        rows = [self.tasks.index(task) * self.num_experts + i for task in tasks for i in places]
        found = []
        for features in self.experts(x, input, None if tasks == self.tasks else rows, stops):
            if len(features) < len(rows):  # nothing in them tells apart the experts of one task
                features = features.repeat_interleave(self.num_experts, 0)
            found.append(features.unflatten(0, (len(tasks), self.num_experts)))  # of [K * M, …]
        return found

    def weigh(self, x: Examples, input: str, tasks: list[str]) -> Tensor:
        """How each of ``tasks`` weighs its own and the shared experts, [K, B, M + E].

        Args:
            x: what the gates read.
            input: which input the paths began with.
            tasks: some of the tasks.
        """
        weights = expert_softmax(self.gates(x, input, places(tasks, self.tasks)))
        self.weighed[input] = tasks, weights.detach()
        return weights


def places(wanted: list[str], tasks: list[str]) -> list[int] | None:
    """Where some tasks are among others; None where they are all of them."""
    return None if wanted == tasks else [tasks.index(task) for task in wanted]
