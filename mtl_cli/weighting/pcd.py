"""PCD: follow the primary task, as long as each of the others progresses a little too.

Varam & AlHajri, "Not All Objectives Are Born Equal: Priority-Constrained Descent for Hierarchical
Multi-Objective Optimization", TMLR 2026, https://arxiv.org/abs/2606.29521.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import check_choice, check_number
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.gramian import Array, GramianAggregation, square_root
from mtl_cli.weighting.nearest import nearest_with_progress

CANCELLED = 1e-5  # of the longest term is left of a sum: no direction, but gradients' rounding


class PCD(GramianAggregation):
    """``d``, nearest to the primary task's gradient ``n_1``, with ``n_j . d >= tau |n_j|^2``.

    ``n_k = g_k / sqrt(v_k)``, where v_k is the moving average of ``|g_k|^2`` over the steps,
    corrected for its start at 0; j are the other tasks. d is then given the length of ``g_1``.
    Where no d serves all of them, they are dropped for the step, which is counted as a failure. A
    task alone gives its own gradient, and so do equal ones. The order of the others does not
    matter.

    Departures: in a step without a label of the primary task, the first of the others is primary.
    The paper adds 1e-8 to v_k; here nothing is, so that the unit of all losses is that of the step.
    A d that is 1000 times as far from ``n_1`` as it would have to be if the others agreed counts as
    none: it follows the gradients' rounding.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        primary: the name of the primary task; None: the first.
        tau: what the others gain at least, of what a step along their own gradient would give
            them, 0 to 1.
        beta: the share of the old average that stays in a step, 0 to below 1.
    """

    on_host = ("failures", "average", "seen")
    average: Tensor  # of |g_k|^2, [K]
    seen: Tensor  # how many steps each task had a label in, [K]

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        primary: str | None,
        tau: float,
        beta: float,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        if primary is not None:
            check_choice("weighting.primary", primary, list(tasks), f"weighting.primary={tasks[0]}")
        check_number("weighting.tau", tau, "weighting.tau=0.02", 0, 1)
        check_number("weighting.beta", beta, "weighting.beta=0.999", 0, 1 - 1e-9)
        self.primary = primary
        self.tau = tau
        self.beta = beta
        self.register_buffer("average", torch.zeros(len(tasks)))
        self.register_buffer("seen", torch.zeros(len(tasks), dtype=torch.long))

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        scales = self.update_scales(np.diagonal(gramian), self.positions(tasks))
        first = tasks.index(self.primary) if self.primary in tasks else 0
        others = [k for k in range(len(tasks)) if k != first]
        vectors = square_root(gramian) * scales  # n_k in the columns
        secondary, start = vectors[:, others], vectors[:, first]
        multipliers = nearest_with_progress(secondary, start, self.tau * (secondary**2).sum(0))
        weights = np.eye(len(tasks))[first]
        if multipliers is None:
            self.note_failure("PCD found no step that serves every task; the primary's served")
        else:
            weights[others] = multipliers
        direction = np.linalg.norm(vectors @ weights)
        if direction <= CANCELLED * (weights * np.linalg.norm(vectors, axis=0)).max():
            return np.zeros(len(tasks))
        total: Array = weights * scales * (np.sqrt(gramian[first, first]) / direction)
        return total

    def update_scales(self, squares: Array, present: list[int]) -> Array:
        """``1 / sqrt(v_k)`` of the tasks that are present, with this step's gradients in it."""
        self.seen[present] += 1
        new = torch.tensor(squares).to(self.average)
        self.average[present] = self.average[present].lerp(new, 1 - self.beta)
        start = 1 - self.beta ** self.seen[present].double().numpy()
        average = self.average[present].double().numpy() / start
        return np.divide(1, np.sqrt(average), out=np.zeros_like(average), where=average > 0)
