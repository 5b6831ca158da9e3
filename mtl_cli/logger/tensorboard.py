"""TensorBoard: ``tensorboard --logdir runs`` shows all runs while they train."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import check_integer
from mtl_cli.logger.base import Logger


class TensorBoard(Logger):
    """Writes ``tensorboard/`` in the run folder, a curve ``<task>/<metric>/<split>`` by the step.

    Args:
        folder: the run's folder.
        flush_seconds: how often what was noted is written to disk.
    """

    def __init__(self, folder: Path, flush_seconds: int) -> None:
        super().__init__(folder)
        check_integer("logger.flush_seconds", flush_seconds, 1, "logger.flush_seconds=30")
        self.flush_seconds = flush_seconds
        self.writer: Any = None  # from the start on

    def start(self, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # What an interrupted run wrote after its checkpoint is hidden.
        purge = step + 1 if step else None
        path = str(self.folder / "tensorboard")
        self.writer = SummaryWriter(path, purge_step=purge, flush_secs=self.flush_seconds)

    def log(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        for task, values in figures.items():
            for metric, value in values.items():
                self.writer.add_scalar(f"{task or 'total'}/{metric}/{split}", value, step)

    def close(self) -> None:
        self.writer.close()
