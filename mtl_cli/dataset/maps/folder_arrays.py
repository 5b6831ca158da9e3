"""Pictures and maps of any files as arrays of one size, kept in the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.picture_files import read_picture, smooth
from mtl_cli.dataset.maps.listing import PICTURES, Listing
from mtl_cli.dataset.maps.map_labels import read_labels
from mtl_cli.dataset.maps.map_target import CLASSES, KINDS, MapTarget
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.mapped import key_of_files, mapped

FORMAT = 1  # to be raised where the same files would be read otherwise
SEEN = "seen.npy"

Targets = Mapping[str, MapTarget]
Size = tuple[int, int]


@dataclass(frozen=True)
class FolderArrays:
    """Pictures and their maps.

    Args:
        arrays: ``{"image" or task: [N, ...]}``.
        seen: ``{task: {class: the pixels of each picture that have it}}``; of what has no classes
            the one number of pixels that are there, as class 0. [N].
        sizes: how many pictures there are of each size, before they are brought to one.
        folder: that they are kept in; None: in none.
    """

    arrays: dict[str, Tensor]
    seen: dict[str, dict[int, np.ndarray]]
    sizes: Mapping[Size, int]
    folder: Path | None


def read_folder(
    cache: Cache, listing: Listing, targets: Targets, size: Size | None
) -> FolderArrays:
    """Reads all files, or what the cache has of them.

    Args:
        cache: where they are kept.
        listing: the files.
        targets: what to predict.
        size: that all are brought to; None: they have to have one.

    Raises:
        ValueError: where a file is no such map, or of another size than its picture.
    """

    def write(folder: Path) -> None:
        write_arrays(folder, listing, targets, size)

    done = [FORMAT, size, {task: own.done for task, own in targets.items()}]
    key = key_of_files(listing.files, {"folder": json.dumps(done, default=str)})
    names = [PICTURES, *targets, "seen"]
    arrays, folder = mapped(cache, key, write, names)
    said = json.loads(bytes(arrays.pop("seen").numpy()))
    seen = {
        task: {int(label): np.array(counts) for label, counts in own.items()}
        for task, own in said["seen"].items()
    }
    sizes = {(own[0], own[1]): own[2] for own in said["sizes"]}
    return FolderArrays(arrays, seen, sizes, folder)


def write_arrays(folder: Path, listing: Listing, targets: Targets, size: Size | None) -> None:
    """Reads every picture with its maps into one array of each."""
    pictures = listing.files[PICTURES]
    first = None
    sizes: dict[Size, int] = {}
    seen: dict[str, dict[int, list[int]]] = {task: {} for task in targets}
    arrays: dict[str, np.ndarray] = {}
    for i, file in enumerate(pictures):
        assert file is not None
        picture = read_picture(file)
        own = (picture.shape[0], picture.shape[1])
        sizes[own] = sizes.get(own, 0) + 1
        if first is None:
            first = (file, size or own)
            arrays = begun(folder, len(pictures), targets, first[1])
        if size is None and own != first[1]:
            rule = f"must have the size of {first[0]}, {first[1][0]} x {first[1][1]}"
            fix = f"'dataset.size=[{first[1][0]},{first[1][1]}]', to which all are brought"
            raise problem(str(file), rule, f"{own[0]} x {own[1]}", fix)
        arrays[PICTURES][i] = smooth(picture, first[1]).transpose(2, 0, 1)
        for task, target in targets.items():
            there = listing.files[task][i]
            if there is None:
                arrays[task][i] = -1 if target.kind in CLASSES else np.nan
                continue
            labels = read_labels(target, there)
            if labels.shape[-2:] != own:
                rule = f"must have the size of its picture, {own[0]} x {own[1]} ({file})"
                found = f"{labels.shape[-2]} x {labels.shape[-1]}"
                raise problem(str(there), rule, found, "a map of every pixel of the picture")
            arrays[task][i] = nearest_pixels(labels, first[1])
            for label, count in counted(arrays[task][i], target.kind).items():
                seen[task].setdefault(label, [0] * len(pictures))[i] = count
    said = {"seen": seen, "sizes": [[*own, count] for own, count in sizes.items()]}
    np.save(folder / SEEN, np.frombuffer(json.dumps(said).encode(), dtype=np.uint8))
    for array in arrays.values():
        array.flush()  # type: ignore[attr-defined]


def begun(folder: Path, count: int, targets: Targets, size: Size) -> dict[str, np.ndarray]:
    """Empty arrays on disk, of so many pictures."""
    shapes: dict[str, tuple[Any, tuple[int, ...]]] = {PICTURES: (np.uint8, (count, 3, *size))}
    for task, target in targets.items():
        dtype, channels = KINDS[target.kind]
        shapes[task] = dtype, (count, *[channels] * bool(channels), *size)
    return {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, shape)
        for name, (dtype, shape) in shapes.items()
    }


def counted(labels: np.ndarray, kind: str) -> dict[int, int]:
    """``{class: its pixels}``; of what has no classes, the pixels that are there, as class 0."""
    if kind not in CLASSES:
        return {0: int((~np.isnan(labels[0])).sum())}
    counts = np.bincount(labels.reshape(-1).astype(np.int64) + 1)[1:]
    return {int(label): int(counts[label]) for label in np.flatnonzero(counts)}


def nearest_pixels(labels: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Labels [..., H, W] of another size: each pixel is the one that its centre lies in."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for old, new in zip(labels.shape[-2:], size, strict=True)
    )
    return labels[..., rows[:, None], columns]


def brought(sizes: Mapping[Size, int]) -> str:
    """The sizes that pictures had."""
    most = sorted(sizes, key=lambda size: -sizes[size])
    shown = ", ".join(f"{sizes[size]} of {size[0]} x {size[1]}" for size in most[:3])
    return shown + f" and {len(most) - 3} sizes more" * (len(most) > 3)
