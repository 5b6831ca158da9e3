"""A learning rate that falls along half a cosine.

Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
https://arxiv.org/abs/1608.03983, equation 5, without restarts.
"""

import math

from torch.optim import Optimizer

from mtl_cli.basis.errors import check_number
from mtl_cli.scheduler.base import Scheduler


class Cosine(Scheduler):
    """``factor = m + (1 - m) (1 + cos(pi t)) / 2`` for t from 0 after the warm-up to 1 at the end.

    Args:
        final_factor: m, the factor at the end, from 0 to 1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        steps_per_epoch: int,
        warmup_steps: int,
        final_factor: float,
    ) -> None:
        super().__init__(optimizer, total_steps, steps_per_epoch, warmup_steps)
        check_number("scheduler.final_factor", final_factor, "scheduler.final_factor=0.0", 0, 1)
        self.final_factor = final_factor

    def factor(self, step: int) -> float:
        after_warmup = max(0, step - self.warmup_steps)
        t = min(1.0, after_warmup / max(1, self.total_steps - self.warmup_steps))
        return self.final_factor + (1 - self.final_factor) * (1 + math.cos(math.pi * t)) / 2
