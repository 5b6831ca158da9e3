"""Nash-MTL: the step that the tasks would agree on in a bargaining game.

Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik & Fetaya, "Multi-Task Learning as a Bargaining
Game", ICML 2022, https://arxiv.org/abs/2202.01017, claim 3.1 and algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mtl_cli.basis.errors import check_boolean, check_number
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.fair import fair_weights
from mtl_cli.weighting.gramian import Array, GramianAggregation
from mtl_cli.weighting.head_gradients import HeadGradients


class NashMTL(GramianAggregation):
    """``d = sum_k w_k g_k`` with ``G w = 1 / w``, the best ``prod_k g_k . d`` for its length.

    G is the Gramian. d has the length ``sqrt(K)`` whatever the gradients', before it is cut to
    ``max_norm``, so a task alone, or equal gradients, give that length in their direction. The
    order of the tasks does not matter, nor the scale of any task's loss.

    Departures: w is found exactly, as the minimum of the convex ``w^T G w / 2 - sum_k log w_k``,
    where the authors approach it by a sequence of convex problems. Their code weighs the losses,
    and so the heads, whose weights it does not cut to ``max_norm``: with ``weigh_heads`` these get
    the weights after the cut, ``max_norm / sqrt(K)`` times theirs.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        max_norm: the greatest length of d, above 0; None: as it is.
        weigh_heads: whether ``w_k`` multiplies the specific gradients too, as in the authors' code.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        max_norm: float | None,
        weigh_heads: bool,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_boolean("weighting.weigh_heads", weigh_heads)
        self.heads = HeadGradients() if weigh_heads else None
        if max_norm is not None:
            check_number("weighting.max_norm", max_norm, "weighting.max_norm=1.0", 1e-12)
        self.max_norm = max_norm

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        weights = fair_weights(gramian, 1)
        square = weights @ gramian @ weights
        if self.max_norm is not None and square > self.max_norm**2:
            weights = weights * (self.max_norm / np.sqrt(square))
        return weights
