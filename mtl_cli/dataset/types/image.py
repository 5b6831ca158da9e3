"""Pictures that a column names by their paths: a part of the input of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.dataset.augmenting.augment import SLOT, Augment
from mtl_cli.dataset.columns.column import Codes, Learned, Written
from mtl_cli.dataset.columns.part import Part
from mtl_cli.dataset.columns.picture_cells import files_of
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.files.picture_files import IN_PILLOW
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.decoding import decode
from mtl_cli.dataset.prepared.pixels import normalised, pixels_of
from mtl_cli.dataset.prepared.plan import Decoding, Size
from mtl_cli.dataset.prepared.reading import Reading


@dataclass(frozen=True)
class Image(Part):
    """The picture [C, H, W] of each cell's path; a blank cell is a part that its row lacks.

    Args:
        name: the column's.
        size: height and width that the model reads.
        channels: C, 1 or 3.
        fit: how pictures are brought to that size; see `smooth`.
        normalise: mean and deviation that they are normalised by.
        max_pixels: the most that a picture may have.
        root: the folder that paths begin in; None: that of their table.
        augment: what is done to train pictures by chance; None: nothing.
        skip: whether rows of pictures that cannot be read lack them, also new ones.
    """

    name: str
    size: list[int]
    channels: int
    fit: str
    normalise: list[float]
    max_pixels: int
    root: str | None = None
    augment: dict[str, Any] | None = None
    skip: bool = False
    of_files: ClassVar[bool] = True
    unseen_are: ClassVar[tuple[str, str]] = (
        "name pictures that are not there or cannot be read",
        "these rows lack them",
    )

    @classmethod
    def learn(
        cls,
        written: Written,
        root: str | None,
        size: Size | None,
        fit: str,
        channels: int | None,
        max_pixels: int,
        on_bad_picture: str,
        workers: int | None,
        normalise: list[float],
        cache: bool | str,
        cache_gb: float,
        augment: Mapping[str, Any] | None,
    ) -> Learned:
        """Where train has no picture at all, it is dropped.

        Args:
            written: the column.
            root: the folder that paths begin in; None: that of their table.
            size, fit, channels, max_pixels, on_bad_picture, workers: see `Decoding`; a row whose
                picture is skipped lacks it.
            normalise: mean and deviation of a pixel, of values from 0 to 1.
            cache, cache_gb: see `Cache`.
            augment: see `Augment`; a mixture is of whole examples, and so of no column.
        """
        skip = on_bad_picture == "skip"
        of, paths, gone = files_of(written.name, written.cells, written.place, skip)
        missing = int((of < 0).sum())
        if not (of[written.train] >= 0).any():
            lost = f"; {len(gone):,} are not there, as {gone[0]}" if gone else ""
            return Learned(missing, f"no picture in train{lost}")
        try:
            if Augment.of(augment).mixup:
                rule = "must be 0 of a column: beside the picture, nothing would be mixed"
                raise problem(f"{SLOT}.mixup", rule, augment, f"{SLOT}.mixup=0")
            pixels = pixels_of(normalise)
            decoding = Decoding(size, fit, channels, max_pixels, on_bad_picture, workers)
            decoded = decode(Cache(cache, cache_gb), {written.name: paths}, decoding)
        except Problem as error:
            raise error.at("dataset", f"dataset.columns.{written.name}") from error
        stored, bad = decoded.stored(written.name), decoded.bad[written.name]
        _, channels, *shape = stored.whole.shape
        changed = dict(augment or {}) if Augment.of(augment).on else None
        how = (fit, list(pixels), max_pixels, root, changed, skip)
        column = cls(written.name, shape, channels, *how)
        about = f"a part of its own; {len(paths):,} pictures, {shape[0]} x {shape[1]}"
        about += f", {channels} channels" if channels > 1 else ", grey"
        if bad:
            about += f"; left out: {len(bad):,} that cannot be read, as {paths[min(bad)].name}"
        if gone:
            about += f"; left out: {len(gone):,} that are not there, as {gone[0].name}"
        there = (of >= 0) & ~np.isin(of, list(bad))
        return Learned(missing, about, column, [stored.at(torch.from_numpy(of.clip(0))), there])

    @property
    def spec(self) -> InputSpec:
        return Dense((self.channels, *self.size), self.pixels if self.channels > 1 else None)

    @property
    def pixels(self) -> tuple[float, float]:
        return self.normalise[0], self.normalise[1]

    def said(self) -> dict[str, Any]:
        return {"picture": {"fit": self.fit, "how": IN_PILLOW[self.fit]}}

    def codes(self, cells: Any, place: Place) -> Codes:
        of, paths, _ = files_of(self.name, cells, place, self.skip or None)
        pictures = [self.reading.of(path) for path in paths]
        blank = np.zeros((self.channels, *self.size), np.uint8)
        read = [blank if picture is None else picture for picture in [*pictures, None]]
        there = np.array([picture is not None for picture in [*pictures, None]])
        return [np.stack(read)[of], there[of]]

    @property
    def reading(self) -> Reading:
        """How its pictures are read."""
        return Reading(self.size, self.channels, self.fit, self.max_pixels, self.skip)

    @property
    def knows(self) -> bool:
        return self.skip

    def unseen(self, cells: Any) -> tuple[int, int, str]:
        of, written = encode(cells, write=str)
        paths = [Path(cell) for cell in written]
        bad = [self.reading.of(path) is None for path in paths]
        first = written[bad.index(True)] if any(bad) else ""
        return int(np.array([*bad, False])[of].sum()), int((of >= 0).sum()), first

    @property
    def augments(self) -> bool:
        return self.augment is not None

    def augmented(self, x: Examples, draw: torch.Generator) -> Examples:
        assert isinstance(x, Tensor)
        return Augment.of(self.augment).pictures(x, draw, self.pixels)

    def prepared(self, x: Examples) -> Examples:
        assert isinstance(x, Tensor)
        return normalised(x, self.pixels)
