"""A learning rate that falls when the validation figure stops improving."""

from typing import Any

from torch.optim import Optimizer

from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.scheduler.base import Scheduler


class Plateau(Scheduler):
    """The factor is multiplied by ``gamma`` after ``patience`` epochs without a new best value.

    The value is the one that selects the best weights, of each group of tasks by itself.

    Args:
        patience: epochs without improvement before a fall.
        gamma: the factor of a fall, from 0 to 1.
    """

    needs_val = True

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        steps_per_epoch: int,
        warmup_steps: int,
        patience: int,
        gamma: float,
    ) -> None:
        super().__init__(optimizer, total_steps, steps_per_epoch, warmup_steps)
        check_integer("scheduler.patience", patience, 1, "scheduler.patience=3")
        check_number("scheduler.gamma", gamma, "scheduler.gamma=0.1", 0, 1)
        self.patience = patience
        self.gamma = gamma
        self.scale = 1.0
        self.waited = 0

    def factor(self, step: int) -> float:
        return self.scale

    def end_epoch(self, improved: bool) -> None:
        self.waited = 0 if improved else self.waited + 1
        if self.waited >= self.patience:
            self.scale *= self.gamma
            self.waited = 0

    def state_dict(self) -> dict[str, Any]:
        return {"scale": self.scale, "waited": self.waited}
