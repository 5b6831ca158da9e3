"""What every learning-rate schedule promises: a factor on the optimizer's rates, with warm-up."""

from abc import ABC, abstractmethod
from typing import Any

from torch.optim import Optimizer

from mtl_cli.basis.errors import check_integer


class Scheduler(ABC):
    """Sets each group's rate to ``initial rate * warm-up * factor`` before every step.

    The warm-up rises linearly to 1 over the first ``warmup_steps`` steps.

    Args:
        optimizer: whose rates are set.
        total_steps: the steps of the whole training.
        steps_per_epoch: the steps of an epoch.
        warmup_steps: the steps of the warm-up; 0: none.

    Attributes:
        needs_val: whether the schedule reads the figures of a validation split.
    """

    needs_val = False

    def __init__(
        self, optimizer: Optimizer, total_steps: int, steps_per_epoch: int, warmup_steps: int
    ) -> None:
        check_integer("scheduler.warmup_steps", warmup_steps, 0, "scheduler.warmup_steps=100")
        self.optimizer = optimizer
        self.total_steps = total_steps
        self.steps_per_epoch = steps_per_epoch
        self.warmup_steps = warmup_steps
        self.initial_rates = [group["lr"] for group in optimizer.param_groups]

    @abstractmethod
    def factor(self, step: int) -> float:
        """The factor on the initial rates for ``step``, counted from 0."""

    def set_rates(self, step: int) -> None:
        """Sets the rates for ``step``, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        factor = warm * self.factor(step)
        for group, rate in zip(self.optimizer.param_groups, self.initial_rates, strict=True):
            group["lr"] = rate * factor

    def end_epoch(self, improved: bool) -> None:
        """Called after an epoch: whether the figure that selects the best weights improved."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        vars(self).update(state)
