"""What a run leaves on disk: configuration, metrics, summary, checkpoints, plots and log."""

import csv
import io
import json
import math
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.disk import writing

PICTURES = (".png", ".pdf")
COLUMNS = ("epoch", "step", "split", "task", "metric", "value")


class RunFolder:
    """The folder of one run.

    Args:
        path: an existing folder.

    Attributes:
        writes: whether anything is written to it.
    """

    writes = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.csv"
        self.summary = path / "summary.json"
        self.last = path / "checkpoints" / "last.pt"
        self.best = path / "checkpoints" / "best.pt"
        self.frozen = path / "checkpoints" / "frozen.pt"
        self.reader = path / "reader.json"
        self.learned = path / "learned.json"
        self.columns = path / "columns.txt"
        self.confusion = path / "confusion.json"
        self.plots = path / "plots"
        self.log = path / "train.log"

    def check_files(self) -> None:
        """Refuses a folder where a file is to be written, before anything is."""
        files = (self.config, self.metrics, self.summary, self.last, self.best, self.reader)
        others = (self.frozen, self.learned, self.columns, self.confusion, self.log)
        for path in (*files, *others):
            if path.is_dir():
                fix = f"take {path} away"
                raise problem(str(path), "must be a file of the run", "a folder", fix)

    def append_figures(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Adds a row to ``metrics.csv`` for each of ``{task: {metric: value}}``.

        Epochs and steps count from 1; the task is empty for the total.
        """
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            (epoch, step, split, task, metric, value)
            for task, values in figures.items()
            for metric, value in values.items()
        )
        writing.append_text(self.metrics, text.getvalue())

    def metrics_length(self) -> int:
        """The length of ``metrics.csv`` in bytes, for a checkpoint."""
        with writing.in_words(self.metrics):
            return self.metrics.stat().st_size

    def cut_metrics(self, length: int) -> None:
        """Takes back the rows written after a checkpoint; starts the file where there is none."""
        if not self.metrics.exists():
            writing.write_text(self.metrics, ",".join(COLUMNS) + "\n")
        elif length > self.metrics_length():
            found = f"{self.metrics_length()} bytes, and the checkpoint knows of {length}"
            fix = "another run, or train again"
            raise problem(str(self.metrics), "must hold the rows of all epochs", found, fix)
        elif length < self.metrics_length():
            header = len(",".join(COLUMNS)) + 1
            writing.cut(self.metrics, max(length, header))

    def check_writable(self, instead: str) -> None:
        """Refuses a folder that cannot be written to, before anything is built.

        Args:
            instead: what to do then.
        """
        if not os.access(self.path, os.W_OK):
            rule = "must be a folder that can be written to"
            raise problem(str(self.path), rule, "no permission", instead)

    def has_begun(self) -> bool:
        """Whether there is a checkpoint, or figures that tell of one."""
        header = len(",".join(COLUMNS)) + 1
        return self.last.exists() or (self.metrics.exists() and self.metrics_length() > header)

    def write_json(self, path: Path, data: dict[str, Any]) -> None:
        """Writes a file of the folder, whole or not at all; what is not finite becomes null."""
        text = json.dumps(finite(data), indent=2, allow_nan=False)
        writing.write_text(path, text + "\n")

    def drawn(self) -> list[Path]:
        """The files of its pictures."""
        return sorted(
            path
            for place in (self.plots, self.path / "diagnostics")
            for path in place.glob("**/*")
            if path.suffix in PICTURES
        )

    def read_summary(self) -> dict[str, Any]:
        """The summary, empty where none has been written."""
        if not self.summary.exists():
            return {}
        return json.loads(self.summary.read_text(encoding="utf-8"))


def finite(value: Any) -> Any:
    """The value with NaN and infinities replaced by None, at any depth."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def seen_from_here(path: Path) -> str:
    """A path as it leads there from where the command was started: relative, if it is below."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def from_here(path: Path) -> str:
    """The same as it can be pasted into a shell, where it is a word of its own."""
    return shlex.quote(seen_from_here(path))


def find_run(name: str, root: Path) -> RunFolder:
    """The run folder called ``name``, or the newest one below ``root`` for ``latest``.

    Raises:
        ValueError: where that is no run folder.
    """
    if name == "latest":
        runs = [path.parent for path in root.glob("**/config.yaml")]
        if not runs:
            fix = "train first, or name a run folder"
            raise problem("latest", "must find a run", f"none below {root}", fix)
        return RunFolder(max(runs, key=lambda path: (path / "config.yaml").stat().st_mtime_ns))
    folder = RunFolder(Path(name).expanduser())
    if not folder.config.is_file():
        found = "no config.yaml in it" if folder.path.is_dir() else "no such folder"
        fix = near_folder(folder.path, "config.yaml") or "latest, or a folder below runs/"
        raise problem(name, "must be a run folder", found, fix)
    return folder


def near_folder(path: Path, file: str = "") -> str | None:
    """The folder that a mistyped path was most likely meant to be, as it can be pasted.

    Args:
        path: part of which is there.
        file: that has to be in the folder; empty: none.
    """
    whole = path.absolute()
    place = Path(whole.anchor)
    for name in whole.parts[1:]:
        if (place / name).is_dir():
            place /= name
            continue
        there = [p.name for p in place.iterdir() if p.is_dir()] if os.access(place, os.R_OK) else []
        close = nearest(name, there)
        if close is None:
            return None
        place /= close
    return seen_from_here(place) if place != whole and (place / file).exists() else None
