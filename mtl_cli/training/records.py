"""Where the figures of a run go: ``metrics.csv``, and a logger where one was chosen."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.logger.base import Logger
from mtl_cli.task.base import Task
from mtl_cli.training.evaluation import Figures, total_loss


class Records:
    """Writes figures down.

    Args:
        folder: holds ``metrics.csv``.
        tasks: whose weights make the total.
        logger: gets the same figures; None: there is none.
    """

    def __init__(self, folder: RunFolder, tasks: Mapping[str, Task], logger: Logger | None) -> None:
        self.folder = folder
        self.tasks = tasks
        self.logger = logger

    def start(self, step: int) -> None:
        """Called before training goes on from ``step``."""
        if self.logger is not None:
            self.logger.start(step)

    def write(
        self, epoch: int, step: int, split: str, figures: Figures, total: bool = True
    ) -> None:
        """Writes figures and, unless told otherwise, the tasks' weighted total."""
        if total:
            figures = figures | {"": {"loss": total_loss(self.tasks, figures)}}
        self.folder.append_figures(epoch, step, split, figures)
        if self.logger is not None:
            self.logger.log(epoch, step, split, figures)

    def close(self) -> None:
        """Called when training ends, however it ends."""
        if self.logger is not None:
            self.logger.close()


def as_figures(values: Mapping[str, float], metric: str = "loss") -> Figures:
    """One metric of each task, in the form of all figures."""
    return {task: {metric: value} for task, value in values.items()}
