"""FairGrad: every task progresses, and who has less of it weighs more, as in sharing a network.

Ban & Ji, "Fair Resource Allocation in Multi-Task Learning", ICML 2024,
https://arxiv.org/abs/2402.15638, equation 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mtl_cli.basis.errors import check_number
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.fair import fair_weights
from mtl_cli.weighting.gramian import Array, GramianAggregation


class FairGrad(GramianAggregation):
    """``d = sum_k w_k g_k`` with ``(G w)^alpha = 1 / w``, entry by entry; G is the Gramian.

    ``g_k . d = w_k^(-1/alpha)`` is what task k gains: alpha 0 is the mean gradient (``w = 1/K``),
    1 Nash-MTL's direction, and the larger alpha, the more equal the gains. A task alone with the
    gradient g gives ``|g|^(-2 alpha / (1 + alpha))`` times g, and K equal ones
    ``(K / |g|^(2 alpha))^(1 / (1 + alpha))`` times. The order of the tasks does not matter.

    Departure: w is found exactly, where the authors approach it by least squares.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        alpha: how equal the gains are to be, 0 to 10.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        alpha: float,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_number("weighting.alpha", alpha, "weighting.alpha=2.0", 0, 10)
        self.alpha = alpha

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        if self.alpha == 0:
            return np.full(len(tasks), 1 / len(tasks))
        return fair_weights(gramian, 1 / self.alpha)
