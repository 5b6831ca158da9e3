"""CAGrad: near the mean gradient, the step that is best for the task that it serves worst.

Liu, Liu, Jin, Stone & Liu, "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS
2021, https://arxiv.org/abs/2110.14048, equation 1 and algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq

from mtl_cli.basis.errors import check_number
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.gramian import Array, GramianAggregation, square_root
from mtl_cli.weighting.nearest import nearest_in_hull


class CAGrad(GramianAggregation):
    """``d = argmax_d min_k g_k . d`` under ``|d - g_0| <= c |g_0|``, with g_0 the mean gradient.

    ``d = g_0 + c |g_0| g_w / |g_w|`` with ``g_w = sum_k w_k g_k`` and the w that minimises
    ``g_w . g_0 + c |g_0| |g_w|`` over ``w >= 0, sum_k w_k = 1``. This w makes ``g_w + t g_0``
    shortest too, for ``t = |g_w| / (c |g_0|)``, and so the search is for the number t. A task
    alone gives 1 + c times its own gradient, and so do equal ones. The order of the tasks does not
    matter.

    Departure: none from the paper; the authors' code divides d by ``1 + c^2``. A g_w shorter than
    1e-6 of the longest gradient counts as that long; of all else, working on the Gramian costs
    less than 1e-6 of the longest gradient, beside the Jacobian in double precision.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        c: how far d may be from the mean gradient, in lengths of it, 0 (the mean itself) to 1.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        c: float,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_number("weighting.c", c, "weighting.c=0.5", 0, 1)
        self.c = c

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        vectors = square_root(gramian)
        even = np.full(len(tasks), 1 / len(tasks))
        mean = vectors @ even
        radius = self.c * np.linalg.norm(mean)
        if radius == 0:
            return even

        def mixture(t: float) -> Array:
            return nearest_in_hull(vectors + t * mean[:, None])

        def excess(t: float) -> float:
            return float(np.linalg.norm(vectors @ mixture(t)) - t * radius)

        most = float(np.linalg.norm(vectors, axis=0).max() / radius)  # no mixture is longer
        least = ROUNDING * most
        t = least if excess(least) <= 0 else brentq(excess, least, 2 * most, rtol=1e-12)
        return even + mixture(t) / t * (np.diagonal(gramian) > 0)


# Mixtures shorter than this, beside the longest gradient, are its rounding in single precision.
ROUNDING = 1e-6
