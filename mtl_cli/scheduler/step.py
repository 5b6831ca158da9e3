"""A learning rate that falls by a factor every few epochs."""

from torch.optim import Optimizer

from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.scheduler.base import Scheduler


class Step(Scheduler):
    """``factor = gamma ^ floor(epochs done / every_epochs)``.

    Args:
        every_epochs: epochs between two falls.
        gamma: the factor of a fall, from 0 to 1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        steps_per_epoch: int,
        warmup_steps: int,
        every_epochs: int,
        gamma: float,
    ) -> None:
        super().__init__(optimizer, total_steps, steps_per_epoch, warmup_steps)
        check_integer("scheduler.every_epochs", every_epochs, 1, "scheduler.every_epochs=5")
        check_number("scheduler.gamma", gamma, "scheduler.gamma=0.1", 0, 1)
        self.every_epochs = every_epochs
        self.gamma = gamma

    def factor(self, step: int) -> float:
        return self.gamma ** (step // self.steps_per_epoch // self.every_epochs)
