"""Maps in the cache of prepared data, as arrays that are mapped into memory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.prepared.cache import Cache

FORMAT = 1  # to be raised where the same files would be read otherwise


def key_of_files(files: Mapping[str, Sequence[Path | None]], done: Mapping[str, Any]) -> str:
    """The key of files, by their names, sizes and times, and of what is done to them."""
    key = hashlib.blake2b(json.dumps([FORMAT, done]).encode(), digest_size=16)
    real = lru_cache(os.path.realpath)  # of folders, which have many files
    for name, own in files.items():
        key.update(json.dumps(name).encode())
        for file in own:
            said = None if file is None else identity(file, real)
            key.update(json.dumps(said).encode())
    return key.hexdigest()


def identity(file: Path, real: Callable[[str], str] = os.path.realpath) -> list[Any]:
    """By what a file is known to be the same.

    Args:
        file: that is there.
        real: the place of a folder, whatever links lead to it.
    """
    stat, (folder, name) = os.stat(file), os.path.split(file)
    return [os.path.join(real(folder), name), stat.st_size, stat.st_mtime_ns]


def mapped(
    cache: Cache, key: str, write: Callable[[Path], None], names: Sequence[str]
) -> tuple[dict[str, Tensor], Path | None]:
    """The arrays of an entry, mapped into memory, and its folder; None: they are kept nowhere.

    Args:
        cache: that has it, or will.
        key: of the entry.
        write: writes ``<name>.npy`` for each name.
        names: of the arrays.
    """

    def read(folder: Path) -> dict[str, Tensor]:
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="c") for name in names}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    folder = cache.entry(key)
    if folder is None:
        with TemporaryDirectory(ignore_cleanup_errors=True) as passing:
            write(Path(passing))
            return {name: array.clone() for name, array in read(Path(passing)).items()}, None
    try:
        if folder.is_dir():
            cache.use(folder)
        else:
            cache.fill(folder, write)
    except OSError as error:
        rule = "must be a folder that can be written to, with room for the maps"
        fix = "dataset.cache=<folder>, or false"
        raise problem("dataset.cache", rule, str(error), fix) from error
    return read(folder), folder
