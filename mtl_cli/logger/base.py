"""What every logger promises: it shows a run while it goes on, and nothing of it twice."""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mtl_cli.disk.formats import without_format
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.yaml_file import read_yaml


class Logger(ABC):
    """Gets every figure that ``metrics.csv`` gets, and the pictures of the run.

    A run that was interrupted, killed or extended goes on from a checkpoint, to which
    ``metrics.csv`` was cut: what a logger shows afterwards are the rows of that file, once each.
    Those that take a package of an extra say which it ``needs``.

    Args:
        folder: the run's folder.
    """

    needs: ClassVar[str | None] = None

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

    def show(self, pictures: Sequence[Path]) -> None:
        """Called with the files of the pictures that a run draws, when it is trained."""

    @abstractmethod
    def close(self, status: str) -> None:
        """Called when training ends, however it ends, with the ``status`` of the summary."""

    def config(self) -> dict[str, Any]:
        """The run's whole configuration, ``{arch.num_experts: 4}``; a list is one value."""
        path = RunFolder(self.folder).config
        return dict(flat(without_format(read_yaml(path), str(path)))) if path.exists() else {}

    def written(self) -> Iterator[tuple[int, int, str, float]]:
        """The rows of ``metrics.csv``: epoch, step, name of the curve, value."""
        with open(RunFolder(self.folder).metrics, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                curve = curve_of(row["task"], row["metric"], row["split"])
                yield int(row["epoch"]), int(row["step"]), curve, float(row["value"])


def curve_of(task: str, metric: str, split: str) -> str:
    """The name of a curve: ``<task>/<metric>/<split>``."""
    return f"{task or 'total'}/{metric}/{split}"


def flat(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values in a mapping of mappings, by their paths."""
    if not isinstance(node, dict) or not node:
        yield path, node
        return
    for key, value in node.items():
        yield from flat(value, f"{path}.{key}" if path else str(key))
