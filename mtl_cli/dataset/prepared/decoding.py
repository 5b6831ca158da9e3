"""Pictures of any files as bytes of one size, decoded by several threads and kept in the cache."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.mapped import key_of_files, mapped
from mtl_cli.dataset.prepared.plan import AT_ONCE, Decoding, Plan, Size
from mtl_cli.dataset.prepared.stored import Stored

FORMAT = 1  # to be raised where the same files would be read otherwise
ENOUGH = 20  # pictures that cannot be read, after which nobody waits for more


@dataclass(frozen=True)
class Decoded:
    """The pictures of some sources.

    Args:
        arrays: ``{source: [N, C, H, W] bytes}``.
        digests: ``{source: a number made of each picture's bytes, [N]}``.
        bad: ``{source: {number of a picture that is left out: why}}``.
        sizes: how many pictures had each size, before they were brought to one.
        folder: that they are kept in; None: in none.
    """

    arrays: dict[str, Tensor]
    digests: dict[str, Tensor]
    bad: dict[str, dict[int, str]]
    sizes: Mapping[Size, int]
    folder: Path | None

    def stored(self, source: str) -> Stored:
        """The pictures of a source, where they are kept; each known by its digest."""
        array = self.arrays[source]
        return Stored(array, torch.arange(len(array)), self.digests[source])


def decode(cache: Cache, files: Mapping[str, Sequence[Path]], decoding: Decoding) -> Decoded:
    """Decodes all pictures, or takes what the cache has of them.

    Args:
        cache: where they are kept.
        files: ``{source: its pictures}``.
        decoding: what becomes of each.

    Raises:
        ValueError: where a picture cannot be read, or is of another size or kind than the first.
    """
    order = list(files)
    key = key_of_files(files, {"pictures": json.dumps([FORMAT, decoding.done])})
    names = [name for i in range(len(order)) for name in (f"{i}", f"{i}_digests")] + ["said"]
    arrays, folder = mapped(cache, key, lambda to: write(to, files, decoding), names)
    said = json.loads(arrays["said"].numpy().tobytes())
    return Decoded(
        {name: arrays[f"{i}"] for i, name in enumerate(order)},
        {name: arrays[f"{i}_digests"] for i, name in enumerate(order)},
        {name: {int(k): why for k, why in said["bad"][i]} for i, name in enumerate(order)},
        {(height, width): count for height, width, count in said["sizes"]},
        folder,
    )


def write(folder: Path, files: Mapping[str, Sequence[Path]], decoding: Decoding) -> None:
    """Decodes all pictures of all sources into one array of each."""
    sizes: dict[Size, int] = {}
    bad: list[list[tuple[int, str]]] = []
    with whatever_size(), ThreadPoolExecutor(decoding.workers or cores()) as pool:
        plan = Plan.of(decoding, [file for own in files.values() for file in own])
        for i, own in enumerate(files.values()):
            shape = (len(own), plan.channels, *plan.size)
            array = np.lib.format.open_memmap(folder / f"{i}.npy", "w+", np.uint8, shape)
            digests = np.zeros(len(own), dtype=np.int64)
            starts = range(0, len(own), AT_ONCE)
            parts = pool.map(partial(plan.fill, own, array, digests), starts)
            wrong: list[tuple[int, Problem]] = []
            for found, seen in parts:
                wrong += found
                for size, count in seen.items():
                    sizes[size] = sizes.get(size, 0) + count
                if wrong and decoding.on_bad_picture == "error" and len(wrong) >= ENOUGH:
                    break
            if wrong and decoding.on_bad_picture == "error":
                pool.shutdown(wait=True, cancel_futures=True)
                raise unreadable(wrong, len(own))
            if len(wrong) == len(own):
                raise wrong[0][1]
            bad.append([(k, str(error)) for k, error in wrong])
            array.flush()
            np.save(folder / f"{i}_digests.npy", digests)
    said = {"bad": bad, "sizes": [[*size, count] for size, count in sizes.items()]}
    np.save(folder / "said.npy", np.frombuffer(json.dumps(said).encode(), dtype=np.uint8))


def unreadable(wrong: Sequence[tuple[int, Problem]], count: int) -> Problem:
    """The error for pictures that cannot be read: that of the first, and how many there are."""
    first = wrong[0][1]
    fix = f"{first.fix}; dataset.on_bad_picture=skip leaves such out, and says which"
    some = f"{len(wrong)}" if len(wrong) < ENOUGH else f"at least {len(wrong)}"
    found = f"{first.found}; {some} of {count:,} cannot be read"
    return problem(first.thing, first.rule, found, fix)


@contextmanager
def whatever_size() -> Iterator[None]:
    """Pillow's own bound of pixels does not count in the block: ours does."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def cores() -> int:
    """How many this process may use."""
    known = getattr(os, "sched_getaffinity", None)
    return len(known(0)) if known else os.cpu_count() or 1
