"""What each column of a table is: inferred or said, and learned from the train rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.dataset.columns.features import (
    Category,
    Number,
    fit_category,
    fit_number,
    is_numeric,
    numbers,
)
from mtl_cli.dataset.files.cells import MISSING_NUMBERS, encode, is_number
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow

MANY = 1000  # different cells that are looked at, to tell what a column was meant to be


class Inference:
    """Learns the columns of a table, and keeps their codes.

    Args:
        place: where the rows are from.
        train: the positions of the train rows.
        types: ``{column: number, category or drop}``, as the user says.
        min_count: how many train rows a category needs.

    Attributes:
        learned: the columns that are read, in order.
        codes: ``{column: what it is for the model}``, of all rows.
    """

    def __init__(
        self, place: Place, train: np.ndarray, types: Mapping[str, str], min_count: int
    ) -> None:
        self.place, self.train = place, train
        self.types, self.min_count = types, min_count
        self.learned: list[Number | Category] = []
        self.codes: dict[str, list[np.ndarray]] = {}
        self.cells: list[list[str]] = []  # of the table that `lines` shows

    def learn(self, name: str, cells: pyarrow.ChunkedArray) -> None:
        """Decides what a column is, and learns it."""
        said = self.types.get(name)
        if said == "drop":
            self.note(name, "dropped", 0, "as dataset.types says")
        elif said == "number" or (said is None and is_numeric(cells.type)):
            fix = f"'dataset.types={{{name}: category}}'"
            self.learn_number(name, numbers(name, cells, self.place, fix))
        else:
            self.learn_category(name, *encode(cells), keep=said == "category")

    def learn_number(self, name: str, values: np.ndarray) -> None:
        column = fit_number(name, values, self.train)
        missing = int(np.isnan(values).sum())
        if column is None:
            return self.note(name, "dropped", missing, "the same number in all of train")
        self.learned.append(column)
        self.codes[name] = column.standardise(values)
        about = f"mean {column.mean:.4g}, deviation {column.deviation:.4g}"
        about += ", flagged where missing" * column.flagged
        return self.note(name, "number", missing, about)

    def learn_category(self, name: str, indices: np.ndarray, texts: list[str], keep: bool) -> None:
        missing = int((indices < 0).sum())
        if not keep and 2 * len(texts) > len(indices):
            kept = f"dataset.types.{name}=category keeps it"
            about = f"text, {len(texts):,} different ones; {but_numbers(texts) or kept}"
            return self.note(name, "dropped", missing, about)
        column = fit_category(name, indices, texts, self.train, self.min_count)
        codes = column.look_up(indices, texts)
        own = codes[self.train]
        if (own == own[0]).all():
            return self.note(name, "dropped", missing, "the same category in all of train")
        self.learned.append(column)
        self.codes[name] = [codes]
        few = ", ".join(shorten(value) for value in column.values[:3])
        few += ", ..." * (len(column.values) > 3)
        rare = len(texts) - len(column.values)
        about = f"{len(column.values):,}: {few}" + f"; {rare:,} rare or unseen" * (rare > 0)
        about += f"; {but_numbers(texts)}" * bool(but_numbers(texts) and not keep)
        return self.note(name, "category", missing, about)

    def note(self, name: str, kind: str, missing: int, about: str) -> None:
        self.cells.append([name, kind, f"{missing:,}", about])

    def lines(self) -> list[str]:
        """What was inferred, as a table."""
        header = ["column", "type", "missing", "values"]
        widths = [max(len(row[i]) for row in [header, *self.cells]) for i in range(3)]
        return [
            f"{name:{widths[0]}}  {kind:{widths[1]}}  {missing:>{widths[2]}}  {about}"
            for name, kind, missing, about in [header, *self.cells]
        ]


def but_numbers(texts: list[str]) -> str:
    """Of a column that was most likely meant to hold numbers: which cell is none."""
    sample = texts[:MANY]
    none = [text for text in sample if not is_number(text) and text not in MISSING_NUMBERS]
    if not none or 2 * len(none) >= len(sample):
        return ""
    return f"mostly numbers, and {shorten(none[0])!r}: a number where such cells are empty"


def shorten(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= 20 else f"{text[:17]}..."
