"""The run folder of a process that trains along with the one that writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_cli.disk.run_folder import RunFolder


class SilentFolder(RunFolder):
    """Reads what is there, and writes nothing."""

    writes = False

    def append_figures(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Another process does."""

    def metrics_length(self) -> int:
        return 0

    def cut_metrics(self, length: int) -> None:
        """Another process does."""

    def write_json(self, path: Path, data: dict[str, Any]) -> None:
        """Another process does."""
