"""Pictures of any files as bytes of one size, decoded by several threads and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from mtl_cli.basis.errors import Problem, check_choice, check_integer, problem
from mtl_cli.dataset.files.cache import Cache
from mtl_cli.dataset.files.picture_files import coloured, grey, read_bytes, smooth
from mtl_cli.dataset.maps.map_cache import key_of_files, mapped

FORMAT = 1  # to be raised where the same files would be read otherwise
AT_ONCE = 32  # pictures that a thread decodes before it says so
ENOUGH = 20  # pictures that cannot be read, after which nobody waits for more
DIGEST = 8  # bytes

Size = tuple[int, int]


@dataclass(frozen=True)
class Decoding:
    """What becomes of a picture.

    Args:
        size: height and width that all are brought to; None: all have that of the first.
        fit: ``resize``, whatever their proportions, or ``crop``, the middle of these proportions.
        channels: 1 (grey) or 3; None: as many as the first picture has.
        max_pixels: the most that a picture may have.
        on_bad_picture: ``error``, or ``skip``: pictures that cannot be read are left out.
        workers: threads that decode; None: one for each core.
    """

    size: Size | None
    fit: str
    channels: int | None
    max_pixels: int
    on_bad_picture: str
    workers: int | None

    def __post_init__(self) -> None:
        fix = "'dataset.size=[96,128]'"
        if self.size is not None:
            if not isinstance(self.size, list | tuple) or len(self.size) != 2:
                rule = "must be a height and a width in pixels"
                raise problem("dataset.size", rule, self.size, fix)
            for side in self.size:
                check_integer("each side of dataset.size", side, 1, fix)
            object.__setattr__(self, "size", tuple(self.size))
        check_choice("dataset.fit", self.fit, ["resize", "crop"], "dataset.fit=resize")
        if self.channels not in (None, 1, 3):
            rule = "must be 1 (grey), 3 (colours) or null"
            raise problem("dataset.channels", rule, self.channels, "dataset.channels=3")
        check_integer("dataset.max_pixels", self.max_pixels, 1, "dataset.max_pixels=100000000")
        known, fix = ["error", "skip"], "dataset.on_bad_picture=skip"
        check_choice("dataset.on_bad_picture", self.on_bad_picture, known, fix)
        if self.workers is not None:
            check_integer("dataset.workers", self.workers, 1, "dataset.workers=8")

    @property
    def done(self) -> dict[str, object]:
        """All of it that changes a picture."""
        own = asdict(self)
        return {key: value for key, value in own.items() if key != "workers"}


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


@dataclass(frozen=True)
class Plan:
    """What all pictures are brought to.

    Args:
        decoding: what was said.
        first: the first picture that can be read, which others are like where nothing is said.
        size: height and width.
        channels: 1 or 3.
    """

    decoding: Decoding
    first: Path
    size: Size
    channels: int

    @classmethod
    def of(cls, decoding: Decoding, files: Sequence[Path]) -> Plan:
        """By the first picture that can be read.

        Raises:
            ValueError: where that is the first one's fault, or none can be read.
        """
        for file in files:
            try:
                picture = read_bytes(file, decoding.max_pixels)
            except Problem:
                if decoding.on_bad_picture == "error" or file == files[-1]:
                    raise
                continue
            size = decoding.size or (picture.shape[0], picture.shape[1])
            channels = decoding.channels or (1 if picture.shape[2] < 3 else 3)
            return cls(decoding, file, size, channels)
        raise problem("dataset", "must have pictures", "none", "dataset.path=<folder or CSV>")

    def fill(
        self, files: Sequence[Path], array: np.ndarray, digests: np.ndarray, first: int
    ) -> tuple[list[tuple[int, Problem]], dict[Size, int]]:
        """Decodes some pictures into their places; gives those that cannot be, and the sizes."""
        bad: list[tuple[int, Problem]] = []
        sizes: dict[Size, int] = {}
        for i in range(first, min(first + AT_ONCE, len(files))):
            try:
                picture = read_bytes(files[i], self.decoding.max_pixels)
            except Problem as error:
                bad.append((i, error))
                continue
            fitted = self.fitted(picture, files[i])
            size = (picture.shape[0], picture.shape[1])
            sizes[size] = sizes.get(size, 0) + 1
            array[i] = fitted.transpose(2, 0, 1)
            digest = hashlib.blake2b(array[i].data, digest_size=DIGEST).digest()
            digests[i] = int.from_bytes(digest, "little", signed=True)
        return bad, sizes

    def fitted(self, picture: np.ndarray, file: Path) -> np.ndarray:
        """A picture in the channels and the size of all."""
        if self.channels == 1 and self.decoding.channels is None and picture.shape[2] > 2:
            rule = f"must be grey as {self.first} is, where nothing else is said"
            raise problem(str(file), rule, "a picture in colour", "dataset.channels=3, or 1")
        own = (picture.shape[0], picture.shape[1])
        if self.decoding.size is None and own != self.size:
            height, width = self.size
            rule = f"must have the size of {self.first}, {height} x {width}"
            fix = f"'dataset.size=[{height},{width}]', to which all are brought"
            raise problem(str(file), rule, f"{own[0]} x {own[1]}", fix)
        plain = grey(picture) if self.channels == 1 else coloured(picture)
        return smooth(plain, self.size, self.decoding.fit)


def unreadable(wrong: Sequence[tuple[int, Problem]], count: int) -> Problem:
    """The error for pictures that cannot be read: that of the first, and how many there are."""
    first = wrong[0][1]
    if len(wrong) == 1:
        return first
    some = f"{len(wrong)}" if len(wrong) < ENOUGH else f"at least {len(wrong)}"
    fix = f"{first.fix}; dataset.on_bad_picture=skip leaves such out, and says which"
    return problem(first.thing, first.rule, f"{first.found}; {some} of {count} cannot be read", fix)


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
