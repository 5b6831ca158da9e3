"""MoCo: the common descent direction of gradients whose noise is averaged out.

Fernando, Shen, Liu, Chaudhury, Murugesan & Chen, "Mitigating Gradient Bias in Multi-objective
Learning: A Provably Convergent Approach", ICLR 2023, https://openreview.net/forum?id=dLAYGdKTi2,
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.by_task import places
from mtl_cli.weighting.moving import MovingAverage


class MoCo(Aggregation):
    """``d = sum_k l_k y_k``, where y follows the gradients and l, on the simplex, MGDA's weights.

    ``y_k <- y_k - b_t (y_k - g_k)`` from 0 and ``l <- project(l - c_t (Y Y^T + rho I) l)`` from
    ``1 / K``, with ``b_t = beta / t^beta_decay`` and ``c_t = gamma / t^gamma_decay`` in step t from
    1, which is counted for each task by the steps in which it is there. Absent tasks keep their
    ``l_k``, the others move on what is left of the simplex.

    Departures: the step takes the new y and l, as the authors' code, not those of the step before;
    and y is not kept in a ball, which no experiment needs. The gradients are as long as they are;
    the authors' code makes each as long as its loss, and has a softmax for the projection.

    A task alone, and tasks with equal gradients, get ``beta`` times that gradient at first.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`; on ``parameters`` only.
        beta: how fast y follows, from 0 to 1, above 0.
        beta_decay: how fast that becomes less, at least 0.
        gamma: how fast l follows, at least 0; 0: it stays at ``1 / K``.
        gamma_decay: how fast that becomes less, at least 0.
        rho: draws l to ``1 / K``, at least 0.
    """

    on_features = False  # of which there is no average: they are other examples' in every step
    shares: Tensor

    takes_rows = False

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        beta: float,
        beta_decay: float,
        gamma: float,
        gamma_decay: float,
        rho: float,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_number("weighting.beta", beta, "weighting.beta=0.5", 1e-6, 1)
        check_number("weighting.beta_decay", beta_decay, "weighting.beta_decay=0.5", 0)
        check_number("weighting.gamma", gamma, "weighting.gamma=0.1", 0)
        check_number("weighting.gamma_decay", gamma_decay, "weighting.gamma_decay=0.5", 0)
        check_number("weighting.rho", rho, "weighting.rho=0.0", 0)
        self.beta, self.beta_decay = beta, beta_decay
        self.gamma, self.gamma_decay = gamma, gamma_decay
        self.rho = rho
        self.average = MovingAverage(len(self.tasks))
        self.register_buffer("shares", torch.full((len(self.tasks),), 1 / len(self.tasks)))  # l

    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, None]:
        present = places(self.tasks, tasks, jacobian.device)
        steps = self.average.count(present)
        rows = self.average.update(jacobian, present, 1 - self.beta / steps**self.beta_decay)
        old = self.shares[present]
        total = old.sum()
        shares = torch.where(total > 0, old / total, 1 / len(tasks)).to(rows)
        slope = (rows @ rows.T) @ shares + self.rho * shares
        shares = project(shares - self.gamma / steps.max() ** self.gamma_decay * slope)
        self.shares[present] = total * shares.to(old)
        return shares @ rows, None


def project(point: Tensor) -> Tensor:
    """The nearest point of the simplex; Duchi et al., ICML 2008, figure 1."""
    point = point - point.max()  # so that of huge entries what sums to 1 is not rounded away
    ordered = point.sort(descending=True).values
    counts = torch.arange(1, len(point) + 1, dtype=point.dtype, device=point.device)
    levels = (ordered.cumsum(0) - 1) / counts
    level = levels.gather(0, (ordered > levels).sum(0, keepdim=True) - 1)
    return (point - level).clamp(min=0)
