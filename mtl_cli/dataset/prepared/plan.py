"""What becomes of each picture of a set: its size, its channels, and the bytes that are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import Problem, check_choice, check_integer, problem
from mtl_cli.dataset.files.picture_files import coloured, grey, read_bytes, smooth

AT_ONCE = 32  # pictures that a thread decodes before it says so
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
            array[i] = fitted
            digest = hashlib.blake2b(array[i].data, digest_size=DIGEST).digest()
            digests[i] = int.from_bytes(digest, "little", signed=True)
        return bad, sizes

    def fitted(self, picture: np.ndarray, file: Path) -> np.ndarray:
        """A picture in the channels and the size of all, [C, H, W]."""
        if self.channels == 1 and self.decoding.channels is None and picture.shape[2] > 2:
            rule = f"must be grey as {self.first} is, where nothing else is said"
            raise problem(str(file), rule, "a picture in colour", "dataset.channels=3, or 1")
        own = (picture.shape[0], picture.shape[1])
        if self.decoding.size is None and own != self.size:
            height, width = self.size
            rule = f"must have the size of {self.first}, {height} x {width}"
            fix = f"'dataset.size=[{height},{width}]', to which all are brought"
            raise problem(str(file), rule, f"{own[0]} x {own[1]}", fix)
        return brought(picture, self.channels, self.size, self.decoding.fit)


def brought(picture: np.ndarray, channels: int, size: Size, fit: str) -> np.ndarray:
    """A picture [H, W, C] in so many channels and of a size, [C, H, W]; see `smooth`."""
    plain = grey(picture) if channels == 1 else coloured(picture)
    return smooth(plain, size, fit).transpose(2, 0, 1)
