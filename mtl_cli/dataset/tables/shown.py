"""What was inferred of a table's columns, as lines: all of them, or one screen of a wide table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 30  # columns that are shown one by one
FEW = 5  # examples of what else there is
HEADER = ("column", "type", "missing", "values")


@dataclass(frozen=True)
class Shown:
    """A column as a user sees it.

    Args:
        name: the column's.
        kind: the word for its type, or ``dropped``.
        missing: how many cells are blank.
        about: what is said of it.
        advice: whether that holds words to type that would change what it is.
    """

    name: str
    kind: str
    missing: int
    about: str
    advice: bool


def lines_of(columns: Sequence[Shown]) -> list[str]:
    """A line for each column, under a header."""
    cells = [HEADER, *((own.name, own.kind, f"{own.missing:,}", own.about) for own in columns)]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    return [
        f"{name:{widths[0]}}  {kind:{widths[1]}}  {missing:>{widths[2]}}  {about}"
        for name, kind, missing, about in cells
    ]


def short_lines(columns: Sequence[Shown]) -> list[str]:
    """The same, of a wide table in short: how many there are of each type, how many lack cells,
    what was left out and why, and the first of those that something can be done about."""
    if len(columns) <= MOST:
        return lines_of(columns)
    kinds = Counter(own.kind for own in columns)
    lines = [
        f"{len(columns):,} columns: " + ", ".join(f"{n:,} {k}" for k, n in sorted(kinds.items()))
    ]
    if gaps := [own.name for own in columns if own.missing]:
        lines.append(f"missing cells in {few(gaps)}")
    reasons: dict[str, list[str]] = {}
    for own in columns:
        if own.kind == "dropped":
            reasons.setdefault(reason(own.about), []).append(own.name)
    for why, names in list(reasons.items())[:FEW]:
        lines.append(f"dropped, {why}: {few(names)}")
    advised = [own for own in columns if own.advice]
    lines += lines_of(advised[:FEW])[1:]
    if len(advised) > FEW:
        lines.append(f"and {len(advised) - FEW:,} more such columns")
    return lines


def few(names: Sequence[str]) -> str:
    """The first names, and how many there are."""
    return f"{len(names):,} ({', '.join(names[:FEW])}{', ...' * (len(names) > FEW)})"


def reason(about: str) -> str:
    """Why a column is dropped, without what is its own."""
    return re.sub(r"\d[\d,]*", "many", about.partition(";")[0])
