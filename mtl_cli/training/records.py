"""Where the figures of a run go: ``metrics.csv``, and the loggers that were chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.logger.base import Logger
from mtl_cli.task.base import Task
from mtl_cli.training.evaluation import Figures, total_loss


class Records:
    """Writes figures down.

    Args:
        folder: holds ``metrics.csv``.
        tasks: whose weights make the total.
        loggers: get the same figures.
    """

    def __init__(
        self, folder: RunFolder, tasks: Mapping[str, Task], loggers: Sequence[Logger]
    ) -> None:
        self.folder = folder
        self.tasks = tasks
        self.loggers = loggers

    def start(self, step: int) -> None:
        """Called before training goes on from ``step``."""
        for logger in self.loggers:
            logger.start(step)

    def write(
        self, epoch: int, step: int, split: str, figures: Figures, total: bool = True
    ) -> None:
        """Writes figures and, unless told otherwise, the tasks' weighted total."""
        if total:
            figures = figures | {"": {"loss": total_loss(self.tasks, figures)}}
        self.folder.append_figures(epoch, step, split, figures)
        for logger in self.loggers:
            logger.log(epoch, step, split, figures)

    def show(self, pictures: Sequence[Path]) -> None:
        """Called with the files of the pictures that were drawn of the trained model."""
        for logger in self.loggers:
            logger.show(pictures)

    def close(self, status: str) -> None:
        """Called when training ends, however it ends, with the ``status`` of the summary."""
        for logger in self.loggers:
            logger.close(status)


def as_figures(values: Mapping[str, float], metric: str = "loss") -> Figures:
    """One metric of each task, in the form of all figures."""
    return {task: {metric: value} for task, value in values.items()}
