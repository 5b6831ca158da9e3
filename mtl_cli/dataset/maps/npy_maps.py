"""Maps of ``.npy`` files: each checked, and turned into the few bytes that are kept of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import problem


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
