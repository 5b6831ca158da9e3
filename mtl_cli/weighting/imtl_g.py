"""IMTL-G: the step whose projections on all tasks' gradients are equally long.

Liu, Li, Kuang, Xue, Chen, Yang, Liao & Zhang, "Towards Impartial Multi-task Learning", ICLR 2021,
https://openreview.net/forum?id=IMPnRXEWpvr, section 3.1; for gradients that depend on each other
Quinton & Rey, "Jacobian Descent For Multi-Objective Optimization", 2024,
https://arxiv.org/abs/2406.16232, section 2.2.
"""

from collections.abc import Sequence

import numpy as np

from mtl_cli.weighting.gramian import Array, GramianAggregation, equal_products

NO_SUM = 1e-12  # of what was added up


class IMTLG(GramianAggregation):
    """``d = sum_k w_k g_k`` with ``sum_k w_k = 1`` and ``g_k . d / |g_k|`` the same for every k.

    A task alone gives its own gradient, and so do equal ones. The order of the tasks does not
    matter. Gradients of zero have no say; where the weights have no sum, the step is zero. As the
    weights are to sum to 1, and not the projections to be positive, the step leads uphill for all
    tasks where a short gradient has a weight far below zero; ConFIG's has the same direction, or
    the opposite one there.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
    """

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        weights, _ = equal_products(gramian, np.ones(len(tasks)))
        total = weights.sum()
        if abs(total) <= NO_SUM * np.abs(weights).sum():
            return np.zeros_like(weights)
        return weights / total
