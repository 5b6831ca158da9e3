"""Pictures and maps as ``.npy`` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import problem


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
