"""Folders of ``.npy`` maps read once into a compact cache, which later starts map into memory.

The key of an entry is made of the files' names, sizes and times and of how they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.npy import read_array
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.mapped import key_of_files, mapped


@dataclass(frozen=True)
class Kind:
    """How the files of one folder are read.

    Args:
        folder: its name, below that of the split.
        channels: of each file.
        compact: makes of an array [H, W, channels] and its file what is kept.
        dtype: of what is kept.
        what: is kept, in a word, for the key.
    """

    folder: str
    channels: int
    compact: Callable[[np.ndarray, Path], np.ndarray]
    dtype: type
    what: str


Files = dict[str, list[Path]]  # {name: the file of each picture}


def files_of(folder: Path, kinds: Mapping[str, Kind]) -> Files:
    """The files of a split, ``image`` among the kinds: for every picture one of each kind.

    Raises:
        ValueError: where there are no pictures, or a file is missing for one.
    """
    images = folder / kinds["image"].folder
    numbers = sorted((p.stem for p in images.glob("*.npy")), key=lambda s: (len(s), s))
    if not numbers:
        rule = "must hold pictures 0.npy, 1.npy, ..."
        raise problem(str(images), rule, "none", "dataset.root=<folder with train and val>")
    found = {
        name: [folder / kind.folder / f"{n}.npy" for n in numbers] for name, kind in kinds.items()
    }
    for name, files in found.items():
        there = {p.name for p in files[0].parent.glob("*.npy")}
        lost = [file for file in files if file.name not in there]
        if lost:
            rule = f"must be there, as the {name} of {images / lost[0].name}"
            fix = "the file, or the picture removed"
            raise problem(str(lost[0]), rule, f"{len(lost)} of {len(files)} missing", fix)
    return found


def key_of(files: Files, kinds: Mapping[str, Kind]) -> str:
    """The key of these files, read in this way."""
    return key_of_files(files, {name: kind.what for name, kind in kinds.items()})


def cached(
    cache: Cache, files: Files, kinds: Mapping[str, Kind]
) -> tuple[dict[str, Tensor], Path | None]:
    """The compact maps of all files, mapped into memory, and the folder that they are kept in."""

    def fill(folder: Path) -> None:
        write(folder, files, kinds)

    return mapped(cache, key_of(files, kinds), fill, list(kinds))


def write(folder: Path, files: Files, kinds: Mapping[str, Kind]) -> None:
    """Reads every file, one at a time, into one array of each kind."""
    first = files["image"][0]
    size = read_array(first, kinds["image"].channels).shape[:2]
    for name, kind in kinds.items():
        whole = None
        for i, file in enumerate(files[name]):
            array = read_array(file, kind.channels)
            if array.shape[:2] != size:
                rule = f"must have the size of {first}, {size[0]} x {size[1]}"
                found = f"{array.shape[0]} x {array.shape[1]}"
                raise problem(str(file), rule, found, "all pictures and maps of one size")
            compact = kind.compact(array, file)
            if whole is None:
                shape = (len(files[name]), *compact.shape)
                path = folder / f"{name}.npy"
                whole = np.lib.format.open_memmap(path, "w+", kind.dtype, shape)
            whole[i] = compact
        assert whole is not None
        whole.flush()
