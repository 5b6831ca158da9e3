"""DualProj: the mean gradient, turned so that it conflicts with no task's.

Lopez-Paz & Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017,
https://arxiv.org/abs/1706.08840, equation 11, as Quinton & Rey, "Jacobian Descent For
Multi-Objective Optimization", 2024, https://arxiv.org/abs/2406.16232, section 2.2, read it.
"""

from collections.abc import Sequence

from mtl_cli.weighting.gramian import Array, square_root
from mtl_cli.weighting.nearest import nearest_in_dual_cone
from mtl_cli.weighting.preference import PreferenceAggregation


class DualProj(PreferenceAggregation):
    """``d = P(sum_k u_k g_k)``, where P projects onto the vectors that conflict with no gradient.

    ``P(x)`` is the nearest to x of all y with ``g_j . y >= 0`` for every j; u is the preference,
    1/K for each task by default. Where no gradients conflict, d is their mean: a task alone gives
    its own gradient, and so do equal ones. The order of the tasks does not matter.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: u, a number of at least 0 for each task; None: 1/K each.
    """

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        return nearest_in_dual_cone(square_root(gramian), self.preferences(tasks))
