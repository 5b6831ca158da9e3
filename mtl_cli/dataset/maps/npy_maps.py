"""Maps as ``.npy`` files: each checked, and turned into the few bytes that are kept of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import problem

Shape = tuple[int, ...]


def read_array(file: Path, channels: int) -> np.ndarray:
    """An array [H, W, channels] of numbers; one channel need not have a dimension.

    Raises:
        ValueError: where the file is none, holds Python objects, or another shape.
    """
    fix = f"the file written again: numpy.save('{file.name}', array)"
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        rule = "must be an .npy file of numbers (one of Python objects is a pickle, and not opened)"
        raise problem(str(file), rule, str(error).splitlines()[0], fix) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        kind = getattr(array, "dtype", type(array).__name__)
        raise problem(str(file), "must hold numbers", str(kind), fix)
    if channels == 1 and array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] != channels:
        rule = f"must have the shape [height, width, {channels}]"
        raise problem(str(file), rule, str(list(array.shape)), fix)
    return array


def image_bytes(array: np.ndarray, file: Path) -> np.ndarray:
    """A picture of bytes, or of floats from 0 to 1, as bytes [3, H, W]."""
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1 + 1e-6):
            rule, fix = "must hold bytes, or numbers from 0 to 1", "the picture divided by 255"
            raise problem(str(file), rule, f"numbers from {low:g} to {high:g}", fix)
        array = (array.astype(np.float32) * 255).round().clip(0, 255).astype(np.uint8)
    return array.transpose(2, 0, 1)


def class_bytes(num_classes: int) -> Callable[[np.ndarray, Path], np.ndarray]:
    """Makes classes from -1 (missing) to ``num_classes - 1`` bytes [H, W]."""

    def read(array: np.ndarray, file: Path) -> np.ndarray:
        plane = array[..., 0]
        wrong = ~((plane >= -1) & (plane < num_classes) & (plane == np.floor(plane)))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            rule = f"must hold classes from 0 to {num_classes - 1}, and -1 where they are missing"
            found = f"{plane[row, column]:g} in row {row}, column {column}"
            raise problem(str(file), rule, found, "dataset.num_classes, or other labels")
        return plane.astype(np.int8)

    return read


def depth_floats(array: np.ndarray, file: Path) -> np.ndarray:
    """Depths [1, H, W], NaN where 0 said that they are missing."""
    found = array.astype(np.float32).transpose(2, 0, 1)
    if (found < 0).any() or np.isinf(found).any():
        worst = found[(found < 0) | np.isinf(found)][0]
        rule, fix = "must hold depths of at least 0, which is missing", "0 where there is no depth"
        raise problem(str(file), rule, f"{worst:g}", fix)
    return np.where(found == 0, np.float32(np.nan), found)


def normal_halves(array: np.ndarray, file: Path) -> np.ndarray:
    """Unit vectors [3, H, W] as half floats, NaN where (0, 0, 0) said that they are missing."""
    found = array.astype(np.float32).transpose(2, 0, 1)
    length = np.sqrt((found**2).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > 0, found / length, np.nan).astype(np.float16)
