"""MGDA: the shortest of all mixtures of the tasks' gradients, which conflicts with none of them.

Désidéri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization", Comptes
Rendus Mathematique 350, 2012, https://doi.org/10.1016/j.crma.2012.03.014, section 2; for deep
networks Sener & Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018,
https://arxiv.org/abs/1810.04650, equation 3.
"""

from collections.abc import Sequence

from mtl_cli.weighting.gramian import Array, GramianAggregation, square_root
from mtl_cli.weighting.nearest import nearest_in_hull


class MGDA(GramianAggregation):
    """``d = sum_k w_k g_k`` with ``w = argmin |sum_k w_k g_k|`` over ``w >= 0, sum_k w_k = 1``.

    Then ``g_k . d >= |d|^2`` for every k, with equality where w_k > 0; where some mixture is zero,
    so is d. A task alone gives its own gradient, and so do equal ones. The order of the tasks does
    not matter.

    Departure: the minimum is found exactly, where Sener & Koltun approach it in Frank-Wolfe steps.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
    """

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        return nearest_in_hull(square_root(gramian))
