"""What the names of a file's columns say of an option that would read it as it is meant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mtl_cli.basis.numerals import is_number

MARKS = {"\t": r"'{}.delimiter=\t'", ";": "'{}.delimiter=\";\"'", "|": "'{}.delimiter=\"|\"'"}
MARKS |= {",": "'{}.delimiter=\",\"'", " ": "{}.delimiter=whitespace"}
OF_ONE_BYTE = ("cp1252", "latin-1")  # encodings that read any file of another one, and wrongly
FEW = 20  # columns whose names are all shown


def how_to_read(columns: Sequence[str], slot: str, missing: Sequence[str] = ()) -> str | None:
    """The word that reads a file otherwise, and what it does; None where nothing speaks for one.

    Args:
        columns: the names that were read, in order.
        slot: where the options of reading stand; ``input``: nowhere, for new data is read as a
            run's own was.
        missing: names that were looked for and are not there.
    """
    fixed = slot == "input"
    if delimiter := delimiter_for(columns, slot):
        return delimiter
    if is_misdecoded(columns, missing):
        if fixed:
            return "the file in the encoding of the training data; it is in utf-8"
        return f"{slot}.encoding=utf-8, in which the file is"
    if has_no_header(columns):
        if fixed:
            return "a first row that names the columns, as in the training data"
        if len(columns) > FEW:
            return f"{slot}.header=false, which calls the columns c1 to c{len(columns)}"
        names = ",".join(f"c{i + 1}" for i in range(len(columns)))
        return f"{slot}.header=false '{slot}.names=[{names}]', or names of your own"
    return None


def delimiter_for(columns: Sequence[str], slot: str) -> str | None:
    """The word that takes the only column apart; None where nothing speaks for one."""
    for mark, word in MARKS.items() if len(columns) == 1 else ():
        if mark in columns[0].strip():
            if slot == "input":
                return "a file whose cells stand apart as those of the training data"
            return f"{word.format(slot)}, which makes several columns of this one"
    return None


def is_misdecoded(columns: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether a missing name is there as UTF-8 that was read as another encoding: ``MÃ¼nze``."""
    odd = [name.encode() for name in missing if not name.isascii()]
    there = set(columns)
    return any(name.decode(other, "replace") in there for name in odd for other in OF_ONE_BYTE)


def has_no_header(columns: Sequence[str]) -> bool:
    """Whether the names look like the cells of a row: numbers, other than years in a row."""
    numbers = [float(name) for name in columns if is_number(name)]
    if not numbers or all(b - a == 1 for a, b in pairwise(numbers)):
        return False
    return 2 * len(numbers) >= len(columns) or any(x % 1 for x in numbers)
