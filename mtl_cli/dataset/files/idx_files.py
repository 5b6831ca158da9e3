"""The four IDX files of a set like MNIST: Fashion-MNIST, KMNIST, or one of EMNIST's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.files.idx import read_idx

WORDS = {"train": ("train",), "test": ("test", "t10k")}  # in the names of files
NAMES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-... and t10k-labels-..."

Parts = dict[str, tuple[np.ndarray, np.ndarray]]  # {split: (images [N, H, W], labels [N])}


def load_idx(path: Path, origin: str | None) -> Parts:
    """Images and labels of train and test.

    Args:
        path: the folder of the files, packed or not; or what their names begin with, of a folder
            with several sets (``emnist/emnist-letters``).
        origin: where people get the files; None: nobody says it.

    Raises:
        ValueError: where one is missing, or there are several; or images and labels do not fit.
    """
    parts: Parts = {}
    for split in WORDS:
        images = read_idx(find(path, split, "images-idx3", origin), 3)
        labels = read_idx(find(path, split, "labels-idx1", origin), 1)
        if len(images) != len(labels) or not len(images):
            rule, fix = "must have as many labels as images", "the files anew, of one set"
            raise problem(f"{split} of {path}", rule, f"{len(images)}, {len(labels)}", fix)
        parts[split] = images, labels
    if parts["train"][0].shape[1:] != parts["test"][0].shape[1:]:
        rule = "must have images of one size in train and test"
        raise problem(str(path), rule, "two sizes", "the files anew, of one set")
    return parts


def find(path: Path, split: str, what: str, origin: str | None) -> Path:
    """One of the files."""
    folders = [path, path / "raw"] if path.is_dir() else [path.parent]
    prefix = "" if path.is_dir() else path.name
    there = [own for folder in folders if folder.is_dir() for own in sorted(folder.iterdir())]
    bare = {own: own.name.lower().removesuffix(".gz").replace(".", "-") for own in there}
    found = [
        own
        for own, name in bare.items()
        if own.name.startswith(prefix)
        and f"{what}-ubyte" in name
        and any(word in name.removeprefix(prefix.lower()) for word in WORDS[split])
    ]
    names = {bare[own] for own in found}
    if len(names) == 1:
        return found[0]
    if found:
        fix = f"dataset.path={path / common(sorted(names))}"
        raise problem("dataset.path", f"must mean one set's {split} {what}", ", ".join(names), fix)
    rule = f"must be a folder with {NAMES}, packed or not"
    close = nearest(path.name, [own.name for own in there]) if not path.is_dir() else None
    fix = f"dataset.path={path.parent / close}" if close else "dataset.path=<their folder>"
    missing = f"no {split} {what} file in {path}"
    raise problem("dataset.path", rule, missing, f"{origin}; or {fix}" if origin else fix)


def common(names: list[str]) -> str:
    """What the first of several names begins with, up to its split."""
    first = names[0]
    ends = [first.find(word) for own in WORDS.values() for word in own if word in first]
    return first[: min(ends)].rstrip("-_")
