"""UPGrad: every task's gradient, turned so that it conflicts with no other, and then their mean.

Quinton & Rey, "Jacobian Descent For Multi-Objective Optimization", 2024,
https://arxiv.org/abs/2406.16232, equation 4.
"""

from collections.abc import Sequence

import numpy as np

from mtl_cli.weighting.gramian import Array, square_root
from mtl_cli.weighting.nearest import nearest_in_dual_cone
from mtl_cli.weighting.preference import PreferenceAggregation


class UPGrad(PreferenceAggregation):
    """``d = sum_k u_k P(g_k)``, where P projects onto the vectors that conflict with no gradient.

    ``P(x)`` is the nearest to x of all y with ``g_j . y >= 0`` for every j; u is the preference,
    1/K for each task by default. Where no gradients conflict, d is their mean: a task alone gives
    its own gradient, and so do equal ones. The order of the tasks does not matter.

    Departure: none. TorchJD's adds 0.0001 to the diagonal of the normalised Gramian and so leaves
    some conflict; here the projections are exact.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: u, a number of at least 0 for each task; None: 1/K each.
    """

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        root = square_root(gramian)
        starts = np.diag(self.preferences(tasks))
        return np.sum([nearest_in_dual_cone(root, start) for start in starts], axis=0)
