"""GradDrop: in every coordinate only one sign passes, drawn with the odds that the gradients give.

Chen, Ngiam, Huang, Luong, Kretzschmar, Chai & Anguelov, "Just Pick a Sign: Optimizing Deep
Multitask Models with Gradient Sign Dropout", NeurIPS 2020, https://arxiv.org/abs/2010.06808,
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.by_task import places


class GradDrop(Aggregation):
    """In each coordinate, ``d = sum_k (leak_k + (1 - leak_k) [g_k has the drawn sign]) g_k``.

    The sign is positive with probability ``P = (1 + sum_k g_k / sum_k |g_k|) / 2``. A task alone
    gives its own gradient, K equal ones K times that. The order of the tasks does not matter.

    Departure: the gradients are those of `Aggregation`, where the paper's are of a layer's
    features, summed over the batch.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        leak: the share of each gradient that passes whatever the sign, 0 to 1; or one a task.
    """

    draws = True
    leak: Tensor  # [K]

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        leak: float | Sequence[float],
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        leaks = leak if isinstance(leak, list | tuple) else [leak] * len(tasks)
        if len(leaks) != len(tasks):
            rule = f"must be one number, or one for each task: {', '.join(tasks)}"
            raise problem("weighting.leak", rule, leak, "weighting.leak=0.0")
        for number in leaks:
            check_number("weighting.leak", number, "weighting.leak=0.0", 0, 1)
        self.leaks = any(leaks)
        self.register_buffer("leak", torch.tensor(leaks, dtype=torch.float32), persistent=False)

    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, None]:
        leak = self.leak[places(self.tasks, tasks, self.leak.device)].to(jacobian)
        total = torch.ones_like(leak) @ jacobian
        size = sum_of_sizes(jacobian)
        # Positive where U < P, for U uniform in [0, 1), without a division by zero. All in one
        # place, since what is written anew costs more here than what is computed.
        sign = torch.rand_like(size).mul_(2).sub_(1).mul_(size)
        torch.sub(total, sign, out=sign)
        if self.leaks:  # the leaks of all rows, and of the others' rest what has the sign
            leaked = leak @ jacobian
            jacobian *= (1 - leak)[:, None]
            total, size = torch.ones_like(leak) @ jacobian, sum_of_sizes(jacobian)
            return torch.copysign(size, sign, out=sign).add_(total).mul_(0.5).add_(leaked), None
        return torch.copysign(size, sign, out=sign).add_(total).mul_(0.5), None


def sum_of_sizes(jacobian: Tensor) -> Tensor:
    """``sum_k |g_k|``, [D]; row by row, which is twice as quick as a matrix of absolute values.

    With the sum of all entries, it has those of each sign: their sum and difference, halved.
    """
    size = jacobian[0].abs()
    part = torch.empty_like(size)
    for row in jacobian[1:]:
        size += torch.abs(row, out=part)
    return size
