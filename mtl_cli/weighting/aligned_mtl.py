"""Aligned-MTL: gradients are mixed along principal directions that are made equally long.

Senushkin, Patakin, Kuznetsov & Konushin, "Independent Component Alignment for Multi-Task Learning",
CVPR 2023, https://arxiv.org/abs/2305.19000, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mtl_cli.basis.errors import check_choice
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.gramian import ROUNDING, Array, cosines
from mtl_cli.weighting.preference import PreferenceAggregation

SCALES: dict[str, Callable[[Array], float]] = {
    "min": lambda values: float(values[-1]),
    "median": lambda values: float(values[len(values) // 2]),  # of an even number, the lesser
    "rmse": lambda values: float(np.sqrt(np.square(values).mean())),
}


class AlignedMTL(PreferenceAggregation):
    """``d = s (U V^T)^T u`` with ``J = U S V^T``: all singular values of J are replaced by one, s.

    u is the preference, 1/K for each task by default. A task alone gives its own gradient, and so
    do equal ones. The order of the tasks does not matter, and directions below the rounding of
    single precision are none.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: u, a number of at least 0 for each task; None: 1/K each.
        scale_mode: what s is of the singular values: ``min``, ``median`` or ``rmse``.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        preference: Sequence[float] | None,
        scale_mode: str,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses, preference)
        check_choice("weighting.scale_mode", scale_mode, list(SCALES), "weighting.scale_mode=min")
        self.scale_mode = scale_mode

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        lengths, between = cosines(gramian)
        values, vectors = np.linalg.eigh(between)
        some = values > ROUNDING
        if not some.any():
            return self.preferences(tasks)
        root = np.sqrt(values[some])[:, None] * vectors[:, some].T * lengths  # [rank, K]
        _, singular, rows = np.linalg.svd(root, full_matrices=False)
        mixed = rows @ self.preferences(tasks)
        weights: Array = SCALES[self.scale_mode](singular) * (mixed / singular) @ rows
        return weights
