"""Files of named arrays: NumPy's, safetensors and HDF5. None of Python objects is read."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mtl_cli.basis.errors import Problem, nearest, problem
from mtl_cli.basis.hub import library
from mtl_cli.basis.shell import as_word

SAVED = "numpy.savez(path, x=x, y=y)"
FORMATS = ".npz, .safetensors or .h5, or a folder of .npy files"
ASKS = "dataset=arrays"
SHOWN = 10  # names in an error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file or folder by name; what lies on disk as it is read is mapped.

    Raises:
        ValueError: where there are none, or they hold Python objects.
    """
    if path.is_dir():
        return read_folder(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        rule = "must be a folder, of which each .npy file is an array by its name"
        fix = as_word("dataset.path", path.parent)
        raise problem("dataset.path", rule, f"one file, {path}", fix)
    if not path.is_file() or suffix not in READERS:
        there = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        own = [name for name in there if Path(name).suffix.lower() in READERS]
        close = nearest(path.name, own)
        fix = as_word("dataset.path", path.parent / close) if close else SAVED
        found = str(path) if path.is_file() else f"no {path}"
        raise problem("dataset.path", f"must be {FORMATS}", found, fix)
    return READERS[suffix](path)


def broken(path: Path, rule: str, error: Exception) -> Problem:
    """What to say of a file that cannot be read."""
    said = next(iter(str(error).splitlines()), "") or type(error).__name__
    return problem(str(path), rule, said, SAVED)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of NumPy's archive, which are copied."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise broken(
            path, "must be a NumPy archive of arrays without Python objects", error
        ) from error


def read_folder(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a folder's ``.npy`` files."""
    files = sorted(path.glob("*.npy"))
    if not files:
        raise problem("dataset.path", f"must be {FORMATS}", f"no .npy file in {path}", SAVED)
    return {file.stem: read_one(file) for file in files}


def read_one(file: Path) -> np.ndarray:
    """The array of an ``.npy`` file, mapped."""
    try:
        return np.load(file, mmap_mode="c", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        rule = "must be a NumPy array without Python objects"
        said = next(iter(str(error).splitlines()), "")
        raise problem(str(file), rule, said, "numpy.save(path, x)") from error


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file, whose place in it its header says."""
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > path.stat().st_size:
                raise ValueError("a header that is longer than the file")
            header: dict[str, Any] = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        arrays = {}
        for name, own in header.items():
            if own["dtype"] not in KINDS:
                rule = f"must hold tensors of {', '.join(KINDS)}"
                found = f"{name} of {own['dtype']}"
                raise problem(str(path), rule, found, f"{name}.float() before it is saved")
            begin, end = own["data_offsets"]
            kind, shape = np.dtype(KINDS[own["dtype"]]), tuple(own["shape"])
            if end - begin != kind.itemsize * int(np.prod(shape, dtype=np.int64)):
                raise ValueError(f"{name} is of another size than it says")
            arrays[name] = mapped(path, kind, 8 + length + begin, shape)
        return arrays
    except Problem:
        raise
    except (ValueError, KeyError, TypeError, OSError, struct.error, AttributeError) as error:
        raise broken(path, "must be a file of safetensors", error) from error


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    """The datasets at the top of a file; one that is neither packed nor in chunks is mapped."""
    h5py = library("h5py", ASKS)
    try:
        with h5py.File(path, "r") as file:
            if groups := [name for name, own in file.items() if isinstance(own, h5py.Group)]:
                rule = "must hold arrays at its top, each a dataset"
                found = f"a group: {', '.join(groups[:SHOWN])}"
                raise problem(str(path), rule, found, f"h5py: file.move('{groups[0]}/x', 'x')")
            return {name: of_hdf5(path, name, own) for name, own in file.items()}
    except Problem:
        raise
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise broken(path, "must be a file of HDF5", error) from error


def of_hdf5(path: Path, name: str, own: Any) -> np.ndarray:
    """One dataset of a file."""
    if own.dtype.kind not in "biufS" or own.shape is None:
        rule = "must hold arrays of numbers, or of words of one length"
        raise problem(str(path), rule, f"{name} of {own.dtype}", "h5py: numbers in place of them")
    offset = own.id.get_offset()
    if offset is None or own.file.userblock_size:
        return np.asarray(own[()])
    return mapped(path, own.dtype, offset, own.shape)


def mapped(path: Path, kind: np.dtype, offset: int, shape: tuple[int, ...]) -> np.ndarray:
    """An array that lies in a file as it is; of no numbers, nothing can be mapped."""
    if 0 in shape:
        return np.empty(shape, kind)
    return np.memmap(path, kind, "c", offset, shape)


KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2"}
KINDS |= {"I8": "<i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "|b1"}
READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
}
