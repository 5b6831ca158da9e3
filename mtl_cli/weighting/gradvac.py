"""GradVac: turn every task's gradient towards the others' until they are as similar as usual.

Wang, Tsvetkov, Firat & Cao, "Gradient Vaccine: Investigating and Improving Multi-task Optimization
in Massively Multilingual Models", ICLR 2021, https://arxiv.org/abs/2010.05874, equations 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.gramian import Array, GramianAggregation, random_orders


class GradVac(GramianAggregation):
    """``d = sum_k p_k``, where ``p_k = g_k``, and for each other j, where it is less similar to it
    than usual, the multiple of ``g_j`` is added that makes it so.

    With s the cosine of ``p_k`` and ``g_j``, and t its moving average over the steps (first 0),
    where ``s < t`` the multiple is ``|p_k| (t sqrt(1 - s^2) - s sqrt(1 - t^2)) / (|g_j|
    sqrt(1 - t^2))``; then t becomes ``(1 - beta) t + beta s``. The others come in a random order,
    each task's own. A task alone gives its own gradient, K equal ones K times that.

    Departures: one cosine for all shared parameters, where the paper has one a layer;
    ``sqrt(1 - t^2)`` counts as 0.001 at least.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        beta: how fast the average follows, from 0 (never: t stays 0, PCGrad) to 1 (at once).
    """

    draws = True

    on_host = ("failures", "usual")
    usual: Tensor  # t, [K, K]

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        beta: float,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_number("weighting.beta", beta, "weighting.beta=0.5", 0, 1)
        self.beta = beta
        self.register_buffer("usual", torch.zeros(len(tasks), len(tasks)))

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        lengths = np.sqrt(np.diagonal(gramian))
        present = np.ix_(self.positions(tasks), self.positions(tasks))
        all_usual = self.usual.double().numpy()
        usual = all_usual[present]
        each = np.arange(len(tasks))
        weights = np.eye(len(tasks))  # p_k = sum_j weights[k, j] g_j
        products = gramian.copy()  # p_k . g_j
        for others in random_orders(len(tasks)).T:  # all tasks at once
            own = np.sqrt((products * weights).sum(1).clip(0))
            sizes = own * lengths[others]
            dots = products[each, others]
            s = np.divide(dots, sizes, out=np.zeros_like(dots), where=sizes > 0).clip(-1, 1)
            t = usual[each, others]
            rest = np.sqrt(1 - t**2).clip(1e-3)
            more = own * (t * np.sqrt(1 - s**2) - s * rest) * (s < t)
            more = np.divide(more, lengths[others] * rest, out=more, where=sizes > 0)
            weights[each, others] += more
            products += more[:, None] * gramian[others]
            usual[each, others] = (1 - self.beta) * t + self.beta * s
        all_usual[present] = usual
        self.usual.copy_(torch.from_numpy(all_usual))
        total: Array = weights.sum(0)
        return total
