"""Reads new pictures for tasks of the whole: folders of them, by class too, or tables of paths."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.columns.picture_paths import path_column
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.files.npy import image_bytes
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import place_among
from mtl_cli.dataset.files.picture_files import PHOTOS
from mtl_cli.dataset.files.read import read_parts
from mtl_cli.dataset.prepared.pixels import Pixels, normalised
from mtl_cli.dataset.prepared.reading import Reading
from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.dataset.readers.pictures import PictureReader, find_pictures, folder_of, is_of_pictures
from mtl_cli.disk.kinds import misfit

log = logging.getLogger(__name__)
STATE = {"size": [int], "channels": int, "fit": str, "pixels": [float], "max_pixels": int}
STATE |= {"columns": dict, "targets": dict, "inputs": [str]}


class ImageReader(PictureReader):
    """Pictures as training read them: of any size, in the model's channels, normalised alike.

    A path is a picture, a folder of them at any depth, or a table with a column of their paths. A
    picture's label is what the folder is called that it lies in, or stands in the table.

    Args:
        inputs: the names of the inputs.
        size: height and width that the model reads.
        channels: 1 or 3.
        fit: how pictures are brought to that size; see `smooth`.
        pixels: mean and deviation that they are normalised by.
        max_pixels: the most that a picture may have.
        columns: ``{input: the column of its paths}``, where a table said it.
        targets: ``{task: how its labels are read}``.
        skip: whether pictures that are not there or cannot be read are left out, and counted.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        size: tuple[int, int],
        channels: int,
        fit: str,
        pixels: Pixels,
        max_pixels: int,
        columns: Mapping[str, str | None],
        targets: Mapping[str, Target],
        skip: bool = False,
    ) -> None:
        super().__init__(size)
        self.channels = channels
        self.pixels = pixels
        self.columns = dict(columns)
        self.targets = dict(targets)
        self.reading = Reading(size, channels, fit, max_pixels, skip)
        spec = Dense((channels, *size), pixels if channels > 1 else None)
        self.inputs = dict.fromkeys(inputs, spec)

    def state(self) -> dict[str, Any]:
        return {
            "inputs": list(self.inputs),
            "size": list(self.size),
            "channels": self.channels,
            "fit": self.reading.fit,
            "pixels": list(self.pixels),
            "max_pixels": self.reading.max_pixels,
            "columns": self.columns,
            "targets": {task: own.state() for task, own in self.targets.items()},
            **({"skip": True} if self.reading.skip else {}),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ImageReader:
        wrong = misfit(state, STATE)
        lost = [key for key in STATE if key not in state]
        if wrong or lost or len(state["size"]) != 2 or len(state["pixels"]) != 2:
            rule = "must say how pictures are read"
            found = wrong or f"no {', '.join(lost)}" if lost or wrong else str(state["size"])
            raise problem("reader.json: state", rule, found, "another run, or train again")
        targets = {task: Target.from_state(own) for task, own in state["targets"].items()}
        size, pixels = tuple(state["size"]), tuple(state["pixels"])
        return cls(**{**state, "size": size, "pixels": pixels, "targets": targets})

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        bad: list[str] = []
        if is_of_pictures(path):
            parts = self.read_files(path, input, batch_size, tasks, bad)
        else:
            parts = self.read_table(path, input, batch_size, tasks, bad)
        yield from (part for part in parts if len(part))
        if bad:
            said = "%s: %s pictures that are not there or cannot be read are left out (%s first)"
            log.warning(said, path.name, f"{len(bad):,}", bad[0])

    def read_files(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str], bad: list[str]
    ) -> Iterator[NewExamples]:
        """The pictures of a folder, with the labels that their folders say."""
        files = find_pictures(path, PHOTOS)
        root = path if path.is_dir() else path.parent
        for first in range(0, len(files), batch_size):
            own = files[first : first + batch_size]
            names = [
                f.relative_to(root).as_posix() if f.is_relative_to(root) else f.name for f in own
            ]
            targets = {task: self.by_folder(task, own, root) for task in tasks}
            yield self.decoded({"file": names}, own, input, targets, bad)

    def by_folder(self, task: str, files: Sequence[Path], root: Path) -> torch.Tensor:
        """The labels of pictures by the folders that they lie in."""
        import pyarrow

        cells = [folder_of(file, root) for file in files]
        column = pyarrow.chunked_array([pyarrow.array(cells)])
        return self.targets[task].labels(lambda _: column, lambda i: str(files[i]), new=True)

    def read_table(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str], bad: list[str]
    ) -> Iterator[NewExamples]:
        """The pictures that the rows of a table name, with the labels that stand there."""
        options = ReadOptions("input")
        for part in read_parts(path, options, None, batch_size):
            table, place = part.table, place_among([part])
            said = self.columns.get(input)
            said = said if said in table.column_names else None
            column = path_column(table.column_names, said, "input")
            for target in (self.targets[task] for task in tasks):
                check_columns(table.column_names, target.read_from(), "the labels", "input")
            root = Path() if is_held(path) else part.file.parent
            cells = [str(cell or "").strip() for cell in table[column].to_pylist()]
            files = [root / Path(cell).expanduser() for cell in cells]
            for i, file in enumerate(files):
                if not file.is_file() and not self.reading.skip:
                    fix = "a path from the table's folder on"
                    rule = "must name a picture that is there"
                    raise problem(place(i), rule, f"no {file}", fix)
            targets = {t: self.targets[t].labels(table.column, place, new=True) for t in tasks}
            names = {"file": [part.file.name] * len(table), "row": np.array(part.numbers())}
            yield self.decoded(names | {"picture": cells}, files, input, targets, bad)

    def decoded(
        self,
        names: Mapping[str, Any],
        files: Sequence[Path],
        input: str,
        targets: dict[str, torch.Tensor],
        bad: list[str],
    ) -> NewExamples:
        """Pictures of files, as the model reads them; those that are left out are added to ``bad``
        by their names."""
        read = [self.reading.of(file) for file in files]
        kept = [i for i, picture in enumerate(read) if picture is not None]
        bad += [file.name for file, picture in zip(files, read, strict=True) if picture is None]
        empty = np.zeros((0, self.channels, *self.size), np.uint8)
        image = torch.from_numpy(np.stack([read[i] for i in kept]) if kept else empty)  # type: ignore[misc]
        if len(kept) < len(files):
            names = {key: [own[i] for i in kept] for key, own in names.items()}
            targets = {task: own[kept] for task, own in targets.items()}
        return NewExamples(names, {input: normalised(image, self.pixels)}, targets)

    def count(self, path: Path) -> int | None:
        return len(find_pictures(path, PHOTOS)) if is_of_pictures(path) else None

    def examples(self, pictures: Sequence[np.ndarray], input: str) -> NewExamples:
        images = []
        for number, picture in enumerate(pictures):
            thing = f"picture {number} of input {input!r}"
            known = picture.ndim == 3 and picture.shape[2] in (1, 3)
            if not known or picture.dtype.kind not in "fiub":
                found = f"{picture.dtype} of shape {list(picture.shape)}"
                fix = "an array [N, H, W, 3] or [N, H, W, 1]"
                raise problem(thing, "must be numbers [H, W, 3] or [H, W, 1]", found, fix)
            images.append(self.reading.fitted(image_bytes(picture, Path(thing)).transpose(1, 2, 0)))
        empty = torch.zeros(0, self.channels, *self.size)
        image = torch.from_numpy(np.stack(images)) if images else empty
        return NewExamples({}, {input: normalised(image, self.pixels)})
