"""What every logger promises: it shows the figures of a run while it goes on."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path


class Logger(ABC):
    """Gets every figure that ``metrics.csv`` gets.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def start(self, step: int) -> None:
        """Called before training goes on from ``step``; 0 at the beginning."""

    @abstractmethod
    def log(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Notes ``{task: {metric: value}}``; the task is empty for the total."""

    @abstractmethod
    def close(self) -> None:
        """Called when training ends, however it ends."""
