"""Folders of ``.npy`` maps read once into a compact cache, which later starts map into memory.

Its key is made of the files' names, sizes and times and of how they are read, so nothing in it is
out of date, and all of it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.maps.npy_maps import read_array

FORMAT = 1  # to be raised where the same files would be read otherwise


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
    key = hashlib.blake2b(json.dumps([FORMAT]).encode(), digest_size=16)
    for name, own in files.items():
        key.update(json.dumps([name, kinds[name].what]).encode())
        for file in own:
            stat = file.stat()
            key.update(json.dumps([str(file.resolve()), stat.st_size, stat.st_mtime_ns]).encode())
    return key.hexdigest()


def cached(cache: Path, files: Files, kinds: Mapping[str, Kind]) -> tuple[dict[str, Tensor], Path]:
    """The compact maps of all files, mapped into memory, and the folder that they are in."""
    folder = cache / key_of(files, kinds)
    if not folder.is_dir():
        try:
            fill(folder, files, kinds)
        except OSError as error:
            rule = "must be a folder that can be written to, with room for the maps"
            raise problem("dataset.cache", rule, str(error), "dataset.cache=<folder>") from error
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="c") for name in kinds}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}, folder


def fill(folder: Path, files: Files, kinds: Mapping[str, Kind]) -> None:
    """Writes beside the folder and renames into place; another process may do the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(mkdtemp(dir=folder.parent, prefix=".writing"))
    try:
        write(beside, files, kinds)
        try:
            os.replace(beside, folder)
        except OSError:  # it is there by now
            if not folder.is_dir():
                raise
    finally:
        rmtree(beside, ignore_errors=True)


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
