"""How a file of a map becomes labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.picture_files import JPEG, read_map
from mtl_cli.dataset.maps.map_target import CLASSES, LARGEST, MapTarget
from mtl_cli.dataset.maps.offered import with_value

SHORT = 0.5  # a normal that is shorter is none


def read_labels(target: MapTarget, file: Path) -> np.ndarray:
    """The labels of a file, [C, H, W], or [H, W] of a segmentation: -1 or NaN where missing."""
    if target.kind in CLASSES and file.suffix.lower() in JPEG:
        rule = "must not be a JPEG, which changes the numbers of classes"
        raise problem(str(file), rule, file.suffix, "the mask as PNG or .npy")
    array = read_map(file, 3 if target.kind == "normals" else 1)
    if target.kind == "normals":
        return unit_vectors(array)
    plane = array[..., 0]
    gone = np.isnan(plane) if plane.dtype.kind == "f" else np.zeros(plane.shape, dtype=bool)
    for value in target.gone:
        gone |= plane == float(value)
    if target.kind == "depth":
        return depths(target, plane, gone, file)
    found = classes(target, plane, gone, file)
    return found if target.kind == "segmentation" else found[None].astype(np.int8)


def depths(target: MapTarget, plane: np.ndarray, gone: np.ndarray, file: Path) -> np.ndarray:
    """Depths [1, H, W], NaN where missing."""
    found = np.where(gone, np.nan, plane.astype(np.float64) * target.scale)
    rule = "must hold depths from 0, and numbers that are finite"
    check(target, file, plane, (found < 0) | np.isinf(found), rule)
    return found[None].astype(np.float32)


def classes(target: MapTarget, plane: np.ndarray, gone: np.ndarray, file: Path) -> np.ndarray:
    """Numbers of classes [H, W], -1 where missing."""
    if target.map is None:
        wrong = ~gone & ~((plane >= 0) & (plane <= target.highest) & (plane == np.floor(plane)))
        rule = f"must hold classes from 0 to {target.highest}, or what is missing"
        check(target, file, plane, wrong, rule)
        return np.where(gone, -1.0, plane).astype(np.int16)
    names, rest = target.names, target.map.get("*", LARGEST)
    start = LARGEST if rest is LARGEST else number_of(rest, names)
    found = np.full(plane.shape, start, dtype=np.int16)
    found[gone] = -1
    for value, name in target.map.items():
        if value != "*":
            found[plane == float(value)] = number_of(name, names)
    rule = f"must hold values of its map, {', '.join(map(str, target.map))}"
    check(target, file, plane, found == LARGEST, rule)
    return found


def check(target: MapTarget, file: Path, plane: np.ndarray, wrong: np.ndarray, rule: str) -> None:
    """Refuses a file with wrong pixels, and says where the first one is."""
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = plane[row, column]
        found = f"{value:g} in row {row}, column {column}"
        raise problem(str(file), rule, found, with_value(target, float(value)))


def number_of(name: Any, names: Sequence[str]) -> int:
    """The number of a class; -1: it is none."""
    return -1 if name is None else names.index(str(name))


def unit_vectors(array: np.ndarray) -> np.ndarray:
    """Normals [3, H, W] of floats, or of bytes from -1 (0) to 1 (255); NaN where missing."""
    found = array.astype(np.float32)
    found = (found / 127.5 - 1 if array.dtype == np.uint8 else found).transpose(2, 0, 1)
    length = np.sqrt((found**2).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > SHORT, found / length, np.nan).astype(np.float16)
