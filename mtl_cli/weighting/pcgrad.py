"""PCGrad: from every task's gradient, take what conflicts with another's, and then their sum.

Yu, Kumar, Gupta, Levine, Hausman & Finn, "Gradient Surgery for Multi-Task Learning", NeurIPS 2020,
https://arxiv.org/abs/2001.06782, algorithm 1.
"""

from collections.abc import Sequence

import numpy as np

from mtl_cli.weighting.gramian import Array, GramianAggregation, random_orders


class PCGrad(GramianAggregation):
    """``d = sum_k p_k``, where ``p_k = g_k``, less for each other j ``(p_k . g_j) / |g_j|^2 g_j``.

    The others come in a random order, each task's own, and only those that ``p_k`` conflicts with
    by then (``p_k . g_j < 0``). A task alone gives its own gradient, K equal ones K times that. The
    order in which the tasks are named does not matter but for the draw.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
    """

    draws = True

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        squares = np.diagonal(gramian)
        inverse = np.divide(1, squares, out=np.zeros_like(squares), where=squares > 0)
        each = np.arange(len(tasks))
        weights = np.eye(len(tasks))  # p_k = sum_j weights[k, j] g_j
        products = gramian.copy()  # p_k . g_j
        for others in random_orders(len(tasks)).T:  # all tasks at once
            less = products[each, others].clip(max=0) * inverse[others]
            weights[each, others] -= less
            products -= less[:, None] * gramian[others]
        total: Array = weights.sum(0)
        return total
