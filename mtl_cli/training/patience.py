"""Patience: whether tasks that train together have stopped improving on val."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_cli.task.base import Task
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.selection import Selection
from mtl_cli.training.settings import Settings


class Patience:
    """Says when ``trainer.patience`` epochs have gone by without a better figure.

    Whose figure, ``trainer.stop`` says: of ``select`` the one that picks the best weights; else
    each task's own, which is its part of ``trainer.select``, or its loss where it has none there:
    the training ends with the ``first`` task that does not improve, or when ``all`` do not.

    Args:
        tasks: that are trained together.
        settings: say patience, stop and select.
    """

    def __init__(self, tasks: Mapping[str, Task], settings: Settings) -> None:
        self.settings = settings
        own = {name: Selection({name: task}, settings.select) for name, task in tasks.items()}
        by_task = settings.stop != "select"
        self.watched = {
            name: best
            for name, best in own.items()
            if by_task and (best.weights or tasks[name].trained)
        }

    def note(self, epoch: int, figures: Figures) -> None:
        """After an epoch with these figures of val; a task without a label there counts nowhere."""
        for name, best in self.watched.items():
            if name in figures:
                best.note(epoch, figures)

    def is_over(self, epoch: int, best: int) -> bool:
        """Whether the training has to end after an epoch.

        Args:
            epoch: that has ended.
            best: the epoch of the best weights.
        """
        patience = self.settings.patience
        if patience is None:
            return False
        own = [task.epoch for task in self.watched.values() if task.epoch]
        ends = any if self.settings.stop == "first" else all
        return ends(epoch - last >= patience for last in own or [best])

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {name: best.state_dict() for name, best in self.watched.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        for name, best in self.watched.items():
            best.load_state_dict(state[name])
