"""Predicted maps as files: an ``.npy`` file for each task and picture, and a picture if wished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.writing import in_words, written
from mtl_cli.drawing.painting import Maps, paint
from mtl_cli.task.maps import MapTask
from mtl_cli.trained.predictions import Columns, array

KINDS = ["npy", "png"]


class MapFiles:
    """Writes ``<folder>/<task>/<picture>.npy``: classes as ``uint8`` (``int16`` beyond 256);
    numbers, directions [3, H, W] and probabilities as ``float32``.

    With ``png`` also a picture each, in the colours of a run's examples: numbers from the least to
    the greatest of this picture, which stand in the columns ``<task>_low`` and ``<task>_high``.

    Args:
        folder: of all maps.
        overwrite: whether files may be replaced that are there.
        kind: ``npy``, or ``png`` for both.

    Raises:
        ValueError: where the folder is there and not empty, or the kind is another word.
    """

    def __init__(self, folder: Path, overwrite: bool, kind: str) -> None:
        check_choice("maps", kind, KINDS, "maps=png")
        if folder.exists() and not (folder.is_dir() and (overwrite or not any(folder.iterdir()))):
            found = "a folder with files" if folder.is_dir() else "a file"
            fix = "out=<another place>" + (", or overwrite=true" if folder.is_dir() else "")
            raise problem(str(folder), "must be a new folder", found, fix)
        self.folder = folder
        self.kind = kind
        self.names: dict[str, set[str]] = {}  # of each task's files, so far

    def columns(
        self, task: MapTask, maps: Sequence[np.ndarray], part: NewExamples, names: Sequence[str]
    ) -> Columns:
        """Writes the maps of some pictures; gives what an index says of them.

        Args:
            task: that they are of.
            maps: of each example of ``part``.
            part: the examples.
            names: of the task's classes.
        """
        known = part.names.get("file", range(len(part)))
        rows = [
            self.write(task, own, str(name), names) for own, name in zip(maps, known, strict=True)
        ]
        return [(column, array([row[column] for row in rows])) for column in rows[0]]

    def nothing(self, task: MapTask, num_rows: int) -> Columns:
        """The same columns for examples of which the task says nothing."""
        import pyarrow

        found: Columns = [(task.name, pyarrow.nulls(num_rows, pyarrow.string()))]
        if self.kind == "png":
            found.append((f"{task.name}_png", pyarrow.nulls(num_rows, pyarrow.string())))
            if task.shown_as == "numbers":
                for word in ("low", "high"):
                    values = pyarrow.nulls(num_rows, pyarrow.float64())
                    found.append((f"{task.name}_{word}", values))
        return found

    def write(
        self, task: MapTask, maps: np.ndarray, picture: str, names: Sequence[str]
    ) -> dict[str, Any]:
        """One map; gives the columns of its row."""
        stem = self.folder / self.stem(task.name, picture)
        place = stem.with_name(f"{stem.name}.npy")
        with in_words(place):
            place.parent.mkdir(parents=True, exist_ok=True)
        with written(place) as beside:
            np.save(beside, maps)
        row: dict[str, Any] = {task.name: self.shown(place)}
        if self.kind == "png":
            colors = stem.with_name(f"{stem.name}.png")
            every = [*names, *map(str, range(len(names), task.num_classes))]
            painted = paint(Maps(task.shown_as, (maps[None],), every))
            save_picture(painted.parts[0][0], colors)
            row[f"{task.name}_png"] = self.shown(colors)
            if task.shown_as == "numbers":
                norm = painted.scale.norm
                row |= {f"{task.name}_low": norm.vmin, f"{task.name}_high": norm.vmax}
        return row

    def shown(self, path: Path) -> str:
        """A path as the index has it: from where that lies."""
        return path.relative_to(self.folder.parent).as_posix()

    def stem(self, task: str, picture: str) -> Path:
        """Where a picture's map goes, without its ending: no two have the same place."""
        taken = self.names.setdefault(task, set())
        own = next(name for name in names_of(picture) if name not in taken)
        taken.add(own)
        return Path(file_name(task)) / own


def names_of(picture: str) -> Iterator[str]:
    """Names for a picture's map, the plainest one first; none leads out of a folder."""
    path = PurePosixPath(picture)
    inside = PurePosixPath(*(file_name(name) for name in path.parts if name not in ("/", "..")))
    yield str(inside.with_suffix(""))
    yield str(inside)
    number = 2
    while True:
        yield f"{inside}_{number}"
        number += 1


def save_picture(colors: np.ndarray, path: Path) -> None:
    """Writes colours [H, W, 4] from 0 to 1, a pixel a pixel."""
    from PIL import Image

    with written(path) as beside:
        Image.fromarray((255 * colors).round().astype(np.uint8)).save(beside, format="png")
