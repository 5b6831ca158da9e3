"""Reads new images of digits: image files, folders of them, or a file in MNIST's own format."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.files.idx import idx_shape, read_idx, read_idx_parts
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.dataset.readers.picture import SUFFIXES, read_image

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's train pixels, as shares of 255
SIDE = 28  # of an image, in pixels
ROWS_AT_ONCE = 8192  # of MNIST's own files: 25 MB as floats
DIGITS = [str(digit) for digit in range(10)]


def normalise(image: Tensor) -> Tensor:
    """Bytes [B, 1, 28, 28] as floats, by MNIST's mean and deviation."""
    return image.float().mul_(1 / (255 * DEVIATION)).sub_(MEAN / DEVIATION)


class DigitReader(Reader):
    """Grey images of 28x28 as they are; others become grey, and are scaled to that size; see
    `read_image`.

    Digits are expected as MNIST has them: light on dark, in the middle. Of a folder, all images
    at any depth are read, in the order of their paths. A label is the name of the folder that an
    image lies in (``7/scan.png``), or stands in the labels' file beside MNIST's images.
    """

    def __init__(self) -> None:
        self.inputs = {"image": Dense((1, SIDE, SIDE))}

    def state(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> DigitReader:
        return cls(**state)

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        shape = idx_shape(path) if path.is_file() else None
        parts = read_images(path, batch_size, bool(tasks))
        if shape is not None:
            parts = read_mnist(path, shape, bool(tasks))
        for names, pixels, digits in parts:
            labels = {"digit": digits, "parity": digits % 2}
            targets = {task: torch.from_numpy(labels[task]) for task in tasks}
            image = torch.from_numpy(pixels.copy()).unsqueeze(1)
            yield NewExamples(names, {input: normalise(image)}, targets)

    def count(self, path: Path) -> int:
        shape = idx_shape(path) if path.is_file() else None
        return len(find_images(path)) if shape is None else shape[0]


Parts = Iterator[tuple[dict[str, Any], np.ndarray, np.ndarray]]  # names, pixels, digits


def read_mnist(path: Path, shape: tuple[int, ...], labelled: bool) -> Parts:
    """The images of a file such as ``t10k-images-idx3-ubyte.gz``."""
    import pyarrow

    if shape[1:] != (SIDE, SIDE):
        rule = f"must be an IDX file of images, {SIDE}x{SIDE}"
        raise problem(str(path), rule, f"the shape {shape}", "the file with the images")
    digits = np.zeros(0, np.int64)
    if labelled:
        beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
        if beside == path or not beside.is_file():
            rule, fix = "must have its labels beside it for an evaluation", str(beside)
            raise problem(str(path), rule, f"no {beside.name}", fix)
        digits = read_idx(beside, 1).astype(np.int64)
        if len(digits) != shape[0] or digits.max(initial=0) > 9:
            found = f"{len(digits)} labels up to {digits.max(initial=0)}"
            raise problem(str(beside), f"must hold {shape[0]} labels from 0 to 9", found, "mend it")
    first = 0
    for pixels in read_idx_parts(path, shape, ROWS_AT_ONCE):
        rows = np.arange(first + 1, first + len(pixels) + 1)
        names = {"file": pyarrow.repeat(path.name, len(pixels)), "row": rows}
        yield names, pixels, digits[first : first + len(pixels)]
        first += len(pixels)


def read_images(path: Path, num_images: int, labelled: bool) -> Parts:
    """Image files, some at a time."""
    files = find_images(path)
    root = path if path.is_dir() else path.parent
    for first in range(0, len(files), num_images):
        own = files[first : first + num_images]
        names = [f.relative_to(root).as_posix() if f.is_relative_to(root) else str(f) for f in own]
        digits = np.array([digit_of(file) for file in own] if labelled else [], np.int64)
        yield {"file": names}, np.stack([read_image(file, SIDE) for file in own]), digits


def find_images(path: Path) -> list[Path]:
    """The image files of a path."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    elif path.is_file():
        files = [path]
    else:
        files = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    if not files:
        others = sorted(p.name for p in path.iterdir()) if path.is_dir() else []
        found = f"none in {path}" + (f", which holds {', '.join(others[:5])}" if others else "")
        fix = f"files that end in {', '.join(SUFFIXES)}, or one of MNIST's images-idx3-ubyte"
        raise problem(str(path), "must hold images", found, fix)
    return files


def digit_of(file: Path) -> int:
    """The digit that an image shows, by the name of its folder."""
    name = file.parent.name
    if name not in DIGITS:
        rule = f"must lie in a folder that is called as its class: {', '.join(DIGITS)}"
        fix = f"a folder such as {nearest(name, DIGITS) or 7}/{file.name}"
        raise problem(str(file), rule, f"a folder {name!r}, which the model does not know", fix)
    return int(name)
