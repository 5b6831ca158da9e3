"""Observers: what looks at a model while it trains, and leaves what it saw in the run folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from mtl_cli.basis.errors import Problem, check_integer
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model


class NothingToMeasure(Problem):
    """Raised by an observer at its first look: the model has nothing of what it measures."""


class Observer(ABC):
    """Looks at every so many steps of a training, without changing its course.

    Args:
        every: steps from one look to the next; the first step is looked at.
    """

    def __init__(self, every: int) -> None:
        check_integer("diagnostic.every", every, 1, "diagnostic.every=50")
        self.every = every

    def wants(self, step: int) -> bool:
        """Whether it looks at a step, counted from 1."""
        return (step - 1) % self.every == 0

    def before_backward(
        self, epoch: int, step: int, model: Model, losses: dict[str, Tensor]
    ) -> None:
        """Called with the unweighted losses, whose graph it may differentiate but has to keep.

        Raises:
            NothingToMeasure: at its first look; nobody asks it again.
        """

    def after_backward(self, epoch: int, step: int, model: Model) -> None:
        """Called with the step's gradients in ``.grad``, before they are clipped."""

    @abstractmethod
    def finish(self, folder: RunFolder, title: str) -> str:
        """Writes files and pictures into the folder; gives what is to be printed."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep: all that was seen so far."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
