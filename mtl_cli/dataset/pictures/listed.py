"""The pictures of a source as they are found: their files, and a table with a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.files.picture_files import PHOTOS

if TYPE_CHECKING:
    import pyarrow

CLASS = "class"  # the column of what folders are called


@dataclass(frozen=True)
class Listed:
    """The pictures of a source.

    Args:
        files: of each.
        table: a row for each, with its labels.
        place: where each is named.
        given: the split that its file or folder is for, or "" where it is for none, [N].
        notes: what is not as one would wish.
        column: of the paths; None: folders by class say all.
    """

    files: list[Path]
    table: pyarrow.Table
    place: Place
    given: np.ndarray
    notes: list[str]
    column: str | None

    def __len__(self) -> int:
        return len(self.files)

    def at(self, kept: np.ndarray) -> Listed:
        """Those at these positions."""
        files = [self.files[i] for i in kept.tolist()]
        place = self.place
        return replace(
            self,
            files=files,
            table=self.table.take(kept),
            place=lambda i: place(int(kept[i])),
            given=self.given[kept],
        )


def is_picture(file: Path) -> bool:
    return file.suffix.lower() in PHOTOS and not file.name.startswith(".")


def few(files: Sequence[Path]) -> str:
    """The names of the first files."""
    return ", ".join(file.name for file in files[:3]) + ", ..." * (len(files) > 3)
