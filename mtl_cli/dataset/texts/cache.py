"""Prepared texts in the cache, so that a second start neither reads nor vectorizes them again.

The key of an entry is made of the files' bytes and of all that is done to them. Tensors are raw
bytes, mapped into memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.dataset.files.read import find_files
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.texts.prepare import Prepared
from mtl_cli.dataset.texts.source import TextSource

FORMAT = 3  # to be raised where the same files and options would be prepared otherwise
PLAIN = ("vectorizer", "num_features", "length", "class_names", "notes", "drawn", "dealt")


def key_of(sources: Sequence[TextSource], done: Mapping[str, Any]) -> str:
    """The key of the content of these sources' files, and of what is done to them.

    The files' names count by their endings alone, and the order of labels in a map not at all.
    """
    key = hashlib.blake2b(digest_size=16)

    def add(value: Any) -> None:
        key.update(json.dumps(value, default=dict).encode() + b"\n")

    add([FORMAT, version("scikit-learn"), done])
    for source in sources:
        add({name: value for name, value in asdict(source).items() if not name.endswith("path")})
        for which, path in source.paths.items():
            for file in find_files(path, source.options):
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "blake2b").hexdigest()
                add([which, file.suffixes, digest])
    return key.hexdigest()


def from_cache(cache: Cache, key: str, make: Callable[[], Prepared]) -> Prepared:
    """What is kept under a key; else what is made, which is then kept where the disk lets it."""
    folder = cache.entry(key)
    if folder is None:
        return make()
    if (there := load_prepared(folder)) is not None:
        cache.use(folder)
        there.notes.append(cache.said(folder))
        return there
    prepared = make()
    try:
        cache.fill(folder, lambda beside: write_prepared(beside, prepared))
        prepared.notes.append(cache.said(folder))
    except OSError as error:
        prepared.notes.append(f"no cache is kept: {error}")
    return prepared


def write_prepared(folder: Path, prepared: Prepared) -> None:
    """Writes all that is needed of prepared texts into an empty folder."""
    tensors: list[dict[str, Any]] = []
    for split, sources in prepared.splits.items():
        for name, rows in sources.items():
            for key, tensor in tensors_of(rows, name):
                file = f"{len(tensors)}.bin"
                tensor.contiguous().numpy().tofile(folder / file)
                kind = str(tensor.dtype).removeprefix("torch.")
                where = {"split": split, "source": name, "key": key}
                tensors.append(where | {"file": file, "dtype": kind, "shape": list(tensor.shape)})
    plain = {name: getattr(prepared, name) for name in PLAIN}
    (folder / "prepared.json").write_text(
        json.dumps(plain | {"tensors": tensors}), encoding="utf-8"
    )


def tensors_of(rows: Rows, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors that rows are made of, with a key for each."""
    x = rows.inputs[name]
    if isinstance(x, Bag):
        yield from (("indices", x.indices), ("offsets", x.offsets), ("weights", x.weights))
    else:
        assert isinstance(x, Tensor)
        yield "tokens", x
    yield from ((f"target {task}", target) for task, target in rows.targets.items())


def load_prepared(folder: Path) -> Prepared | None:
    """What `write_prepared` wrote; None where it is not there, or not whole."""
    try:
        plain = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
        found: dict[str, dict[str, dict[str, Tensor]]] = {}
        for entry in plain.pop("tensors"):
            own = found.setdefault(entry["split"], {}).setdefault(entry["source"], {})
            own[entry["key"]] = read_tensor(folder / entry["file"], entry["dtype"], entry["shape"])
        splits = {
            split: {name: rows_of(own, name) for name, own in sources.items()}
            for split, sources in found.items()
        }
        return Prepared(splits, **plain)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None


def read_tensor(file: Path, kind: str, shape: list[int]) -> Tensor:
    """A tensor whose bytes stay in the file until they are read."""
    dtype = getattr(torch, kind)
    size = int(torch.Size(shape).numel())
    if file.stat().st_size != size * dtype.itemsize:
        raise ValueError(f"{file} has another size than was written")
    if size == 0:
        return torch.empty(shape, dtype=dtype)
    return torch.from_file(str(file), shared=False, size=size, dtype=dtype).view(shape)


def rows_of(tensors: dict[str, Tensor], name: str) -> Rows:
    """The rows that these tensors were."""
    targets = {
        key.removeprefix("target "): tensor
        for key, tensor in tensors.items()
        if key.startswith("target ")
    }
    if "tokens" in tensors:
        return Rows({name: tensors["tokens"]}, targets)
    bag = Bag(tensors["indices"], tensors["offsets"], tensors["weights"])
    return Rows({name: bag}, targets)
