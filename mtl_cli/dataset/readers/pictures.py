"""Reads new pictures in colour: image files, ``.npy`` files, folders of them, or arrays."""

from __future__ import annotations

import glob
import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.files.npy import image_bytes
from mtl_cli.dataset.files.picture_files import PHOTOS, SUFFIXES, read_picture, smooth
from mtl_cli.dataset.files.read import suffix_of
from mtl_cli.dataset.prepared.pixels import normalised, picture_spec
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.disk.kinds import misfit

log = logging.getLogger(__name__)


class PictureReader(Reader):
    """Pictures of any size. Those of another size than the model's are scaled to it, whatever their
    proportions, bilinearly and without aliases; they keep their own in `NewExamples.sizes`.

    Of a folder, all pictures at any depth are read, in the order of their paths. An ``.npy`` file
    holds [H, W, 3], bytes or numbers from 0 to 1. Labels of pixels are not read.

    Args:
        size: height and width that the model reads.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.inputs = {"image": picture_spec((3, *size))}

    def state(self) -> dict[str, Any]:
        return {"size": list(self.size)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> PictureReader:
        wrong = misfit(state, {"size": [int]})
        if wrong or len(state["size"]) != 2:
            rule, fix = "must hold height and width", "another run, or train again"
            raise problem("reader.json: state", rule, wrong or str(state["size"]), fix)
        return cls((state["size"][0], state["size"][1]))

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        if tasks:
            rule, fix = "must be a split: files of pictures have no labels", "split=test in place"
            raise problem(str(path), rule, f"labels of {', '.join(tasks)}", f"{fix} of input")
        files = find_pictures(path)
        root = path if path.is_dir() else path.parent
        scaled = grey = 0
        for first in range(0, len(files), batch_size):
            own = files[first : first + batch_size]
            names = [
                f.relative_to(root).as_posix() if f.is_relative_to(root) else f.name for f in own
            ]
            pictures = [read_picture(file) for file in own]
            grey += sum(map(is_grey, pictures))
            part = self.examples(pictures, input)
            heights, widths = zip(*part.sizes, strict=True)
            beside = {"file": names, "height": list(heights), "width": list(widths)}
            scaled += sum(size != self.size for size in part.sizes)
            yield NewExamples(beside, part.inputs, sizes=part.sizes)
        if scaled:
            height, width = self.size
            said = "note        %d of %d pictures were scaled to %d x %d, which the model reads"
            log.warning(said, scaled, len(files), height, width)
        if grey:
            said = "note        %d of %d pictures are grey; a model of coloured ones misreads them"
            log.warning(said, grey, len(files))

    def count(self, path: Path) -> int | None:
        return len(find_pictures(path))

    def examples(self, pictures: Sequence[np.ndarray], input: str) -> NewExamples:
        """Pictures [H, W, 3] that Python holds, bytes or numbers from 0 to 1, as the model reads
        them."""
        images, sizes = [], []
        for number, picture in enumerate(pictures):
            thing = f"picture {number} of input {input!r}"
            if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype.kind not in "fiub":
                found = f"{picture.dtype} of shape {list(picture.shape)}"
                fix = "an array [N, H, W, 3]; or a torch tensor, normalised as the model reads it"
                raise problem(thing, "must be numbers [H, W, 3]", found, fix)
            bytes_ = image_bytes(picture, Path(thing)).transpose(1, 2, 0)
            images.append(smooth(bytes_, self.size).transpose(2, 0, 1))
            sizes.append((picture.shape[0], picture.shape[1]))
        image = torch.from_numpy(np.stack(images)) if images else torch.zeros(0, 3, *self.size)
        return NewExamples({}, {input: normalised(image)}, sizes=sizes)


def is_grey(picture: np.ndarray) -> bool:
    """Whether a picture [H, W, 3] has no colour in it."""
    return bool((picture[..., :1] == picture[..., 1:]).all())


def find_pictures(path: Path, endings: Sequence[str] = SUFFIXES) -> list[Path]:
    """The pictures of a path."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in endings and p.is_file())
    elif path.is_file():
        files = [path]
    else:
        files = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    if not files:
        others = sorted(p.name for p in path.iterdir()) if path.is_dir() else []
        found = f"none in {path}" + (f", which holds {', '.join(others[:5])}" if others else "")
        raise problem(
            str(path), "must hold pictures", found, f"files that end in {', '.join(endings)}"
        )
    return files


def folder_of(file: Path, root: Path) -> str:
    """The folder below the root that a picture lies in; of one that is in none, its own."""
    parts = file.relative_to(root).parts if file.is_relative_to(root) else ()
    return parts[0] if len(parts) > 1 else file.parent.name


def is_of_pictures(path: Path) -> bool:
    """Whether a path is of pictures, and not of rows."""
    if is_held(path):
        return False
    if path.is_dir():
        return any(file.suffix.lower() in PHOTOS for file in path.rglob("*"))
    return suffix_of(path) in PHOTOS
