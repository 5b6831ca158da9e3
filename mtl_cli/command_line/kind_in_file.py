"""What kind of target a column of a file may be, by a look at its first rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

DELIMITERS = ",;\t|"
ROWS = 2000  # that are looked at
FEW = 20  # classes at most, where they are numbers
UNKNOWN = "KIND"


def kind_in_file(path: str | None, column: str) -> str:
    """The kind of a column: ``binary``, ``multiclass`` or ``regression``.

    Args:
        path: of a text file.
        column: its name.

    Returns:
        `UNKNOWN` where the file does not say.
    """
    header, *rows = first_rows(path) or [[]]
    if column not in header:
        return UNKNOWN
    place = header.index(column)
    cells = [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
    return kind_of_cells(cells)


def kind_of_cells(cells: Sequence[str]) -> str:
    """The same of the cells of a column."""
    different = set(cells)
    if len(different) < 2:
        return UNKNOWN
    if len(different) == 2:
        return "binary"
    if all(map(is_number, different)):
        whole = all(float(cell).is_integer() for cell in different)
        return "multiclass" if whole and len(different) <= FEW else "regression"
    return "multiclass" if 2 * len(different) <= len(cells) else UNKNOWN


def is_number(cell: str) -> bool:
    with suppress(ValueError):
        return abs(float(cell)) < float("inf")
    return False


def first_rows(path: str | None) -> list[list[str]]:
    """The header of a text file and its first rows; nothing where it cannot be read as one."""
    if path is None or Path(path).suffix.lower() not in (".csv", ".tsv", ".txt"):
        return []
    with (
        suppress(OSError, UnicodeDecodeError, csv.Error),
        open(Path(path).expanduser(), encoding="utf-8-sig", newline="") as file,
    ):
        first = file.readline()
        file.seek(0)
        rows = csv.reader(file, delimiter=max(DELIMITERS, key=first.count))
        return [row for row, _ in zip(rows, range(ROWS), strict=False)]
    return []


def file_with(columns: Sequence[str]) -> str | None:
    """The only table here that has these columns."""
    files = sorted(file.name for file in Path().glob("*.[ct]sv"))
    having = [file for file in files if set(columns) <= {*next(iter(first_rows(file)), [])}]
    return having[0] if len(having) == 1 else None
