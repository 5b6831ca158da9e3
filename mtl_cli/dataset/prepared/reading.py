"""New pictures, brought to what a trained model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.picture_files import read_bytes
from mtl_cli.dataset.prepared.plan import brought


@dataclass(frozen=True)
class Reading:
    """How they are read.

    Args:
        size: height and width that the model reads.
        channels: 1 or 3.
        fit: how they are brought to that size; see `smooth`.
        max_pixels: the most that a picture may have.
        skip: whether those that are not there or cannot be read are none, and no error.
    """

    size: Sequence[int]
    channels: int
    fit: str
    max_pixels: int
    skip: bool

    def of(self, file: Path) -> np.ndarray | None:
        """A picture [C, H, W] of bytes; None where it is skipped.

        Raises:
            ValueError: where it cannot be read, and is not skipped.
        """
        if self.skip and not file.is_file():
            return None
        try:
            return self.fitted(read_bytes(file, self.max_pixels))
        except Problem:
            if self.skip:
                return None
            raise

    def fitted(self, picture: np.ndarray) -> np.ndarray:
        """A picture [H, W, C] of bytes in the model's channels and size, [C, H, W]."""
        return brought(picture, self.channels, (self.size[0], self.size[1]), self.fit)
