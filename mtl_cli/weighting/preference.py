"""What the aggregations have in common that let users prefer some tasks to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.gramian import Array, GramianAggregation


class PreferenceAggregation(GramianAggregation):
    """An aggregation with a number for each task that says how much it counts.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: a number of at least 0 for each task, one of them above 0; None: 1/K each.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        preference: Sequence[float] | None,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_preference(preference, tasks)
        self.preference = preference

    def preferences(self, tasks: Sequence[str]) -> Array:
        """How much each of these tasks counts, [K]."""
        if self.preference is None:
            return np.full(len(tasks), 1 / len(tasks))
        return np.array([float(self.preference[k]) for k in self.positions(tasks)])


def check_preference(preference: Sequence[float] | None, tasks: Sequence[str]) -> None:
    """Refuses what is neither None nor a number of at least 0 for each task, one of them above."""
    if preference is None:
        return
    option, fix = "weighting.preference", f"'weighting.preference={[1.0] * len(tasks)}'"
    if not isinstance(preference, list | tuple) or len(preference) != len(tasks):
        rule = f"must have a number for each task: {', '.join(tasks)}"
        raise problem(option, rule, preference, fix)
    for number in preference:
        check_number(f"each number of {option}", number, fix, 0)
    if not any(preference):
        raise problem(option, "must have a number above 0", preference, fix)
