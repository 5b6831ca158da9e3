"""Some rows of a file on their way in, and where each is from, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

Place = Callable[[int], str]  # the position of a row -> its file and its number there, in words


@dataclass(frozen=True)
class Part:
    """Some rows of one file, as an Arrow table.

    Args:
        file: where they are from.
        table: the rows.
        first: the number of the first of them in the file, from 1, without the header.
        skipped: the numbers of the file's rows that were skipped, in order.
    """

    file: Path
    table: pyarrow.Table
    first: int = 1
    skipped: Sequence[int] = ()

    def numbers(self) -> Sequence[int]:
        """The number of each row in the file."""
        if not self.skipped:
            return range(self.first, self.first + len(self.table))
        gone = set(self.skipped)
        left = (n for n in range(self.first, self.first + len(self.table) + len(gone)))
        return [n for n in left if n not in gone][: len(self.table)]


def suffix_of(path: Path) -> str:
    """What the name says of the format: ``.csv`` for ``a.csv.gz``."""
    return Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()


def shown(file: Path) -> str:
    """How a message calls a file, or rows that Python holds (`held`)."""
    return "the data" if file.name.startswith("memory:") else file.name


def place_among(parts: Sequence[Part]) -> Place:
    """Where the rows of several parts, one after the other, are from."""

    def place(i: int) -> str:
        for part in parts:
            if i < len(part.table):
                return f"row {part.numbers()[i]} of {shown(part.file)}"
            i -= len(part.table)
        raise IndexError(i)

    return place
