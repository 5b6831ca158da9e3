"""DB-MTL: logarithms bring the losses, and lengths the gradients, of all tasks to one size.

Lin, Jiang, Ye, Zhang, Chen, Chen, Liu, Tsang & Kwok, "Dual-Balancing for Multi-Task Learning",
2023, https://arxiv.org/abs/2308.12029, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_number
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Losses, Weights
from mtl_cli.weighting.by_task import places
from mtl_cli.weighting.head_gradients import HeadGradients
from mtl_cli.weighting.moving import MovingAverage
from mtl_cli.weighting.positive import Positive

EPSILON = 1e-8  # under the logarithms and the lengths, as in the paper


class DBMTL(Aggregation):
    """``d = max_j |y_j| sum_k y_k / |y_k|``, y being moving averages of the gradients of ``log L``.

    ``y_k <- b_t y_k + (1 - b_t) g_k`` from 0, with ``b_t = beta / t^beta_decay`` in step t from 1,
    counted for each task by the steps in which it is there. Specific parameters get the gradient of
    ``sum_k log L_k``.

    A task alone gets ``1 / L`` times its gradient where ``beta`` is 0, and K tasks with equal
    gradients K times that; in the first step ``1 - beta`` of it.

    Args:
        tasks: the names of the tasks.
        on, chunk_size: see `Aggregation`; on ``parameters`` only.
        beta: how much of the average is kept, from 0 to 1; 0: there is no average.
        beta_decay: how fast that becomes less, at least 0.
    """

    on_features = False  # of which there is no average: they are other examples' in every step

    takes_rows = False

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        beta: float,
        beta_decay: float,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses=None)
        check_number("weighting.beta", beta, "weighting.beta=0.9", 0, 1)
        check_number("weighting.beta_decay", beta_decay, "weighting.beta_decay=0.5", 0)
        self.beta, self.beta_decay = beta, beta_decay
        self.average = MovingAverage(len(self.tasks))
        self.sums: dict[str, Tensor] = {}  # the losses of a step in several parts, so far

    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Weights | None:
        if self.sums or not self.part.is_last:  # the logarithm is of what all parts add up to
            self.heads = self.heads or HeadGradients()
            for task, loss in losses.items():
                own = self.share(task) * loss.detach()
                self.sums[task] = self.sums[task] + own if task in self.sums else own
        else:
            values = torch.stack([loss.detach() for loss in losses.values()])
            self.need(Positive("weighting=db_mtl", losses, values + EPSILON, "at least 0"))
            losses = {task: (loss + EPSILON).log() for task, loss in losses.items()}
        return super().backward(losses, shared, specific, extra, features)

    def fill(
        self,
        at: Sequence[Tensor],
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
    ) -> Weights | None:
        heads, self.heads = self.heads, None
        used = super().fill(at, shared, [] if heads is not None else specific)
        if heads is not None:
            heads.fill(self.slopes())
            self.unsummed = list(specific)
        self.sums = {}
        return used

    def slopes(self) -> Weights:
        """``d log L_k / d L_k`` of a step in several parts."""
        if self.sums:
            values = torch.stack(list(self.sums.values())) + EPSILON
            self.need(Positive("weighting=db_mtl", self.sums, values, "at least 0"))
        return {task: 1 / (loss + EPSILON) for task, loss in self.sums.items()}

    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, None]:
        if self.sums:
            slopes = self.slopes()
            jacobian *= torch.stack([slopes[task] for task in tasks]).to(jacobian)[:, None]
        present = places(self.tasks, tasks, jacobian.device)
        keep = self.beta / self.average.count(present) ** self.beta_decay
        rows = self.average.update(jacobian, present, keep)
        lengths = torch.linalg.vector_norm(rows, dim=1)
        return (lengths.max() / (lengths + EPSILON)) @ rows, None
