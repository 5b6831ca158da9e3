"""Columns of a table as a model reads them: standardised numbers, and categories by their codes.

What a column needs (mean, deviation, categories) is learned from the train rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, from_numpy

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.cells import MISSING_NUMBERS, append, encode, is_number, sort_names
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Number:
    """``(value - mean) / deviation``; a missing value counts as the mean.

    Args:
        name: the column's.
        mean, deviation: of the train rows.
        flagged: whether a second number says which values are missing, by 1.
    """

    name: str
    mean: float
    deviation: float
    flagged: bool

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        """The column of new rows as floats [B], and where it is flagged, another one."""
        fix = "mend the cell, or leave it empty: it was a number in training"
        return self.standardise(numbers(self.name, cells, place, fix))

    def standardise(self, values: np.ndarray) -> list[np.ndarray]:
        """The same from its values, NaN where they are missing."""
        missing = np.isnan(values)
        scaled = (values - self.mean) / self.deviation
        scaled[missing] = 0
        return [scaled, missing] if self.flagged else [scaled]


@dataclass(frozen=True)
class Category:
    """The code of each category, from 1; 0 for one that is missing, rare in train, or unseen.

    Args:
        name: the column's.
        values: the categories, in the order of their codes.
    """

    name: str
    values: list[str]

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        """The column of new rows as codes [B]."""
        return [self.look_up(*encode(cells))]

    def look_up(self, indices: np.ndarray, texts: list[str]) -> np.ndarray:
        """The same from the different cells and which one each is, -1 where it is missing."""
        known = {value: code for code, value in enumerate(self.values, 1)}
        return append(np.array([known.get(text, 0) for text in texts], np.int64), 0)[indices]


def fit_number(name: str, values: np.ndarray, train: np.ndarray) -> Number | None:
    """Learns a column of numbers; None where it is the same in all train rows.

    Args:
        name: the column's.
        values: all rows, [N], NaN where missing.
        train: the positions of the train rows.
    """
    values = values[train]
    missing = np.isnan(values)
    flagged = bool(missing.any())
    if flagged:
        values = values[~missing]
    if not len(values) or (values == values[0]).all():
        return None
    return Number(name, float(values.mean()), float(values.std()), flagged)


def fit_category(
    name: str, indices: np.ndarray, texts: list[str], train: np.ndarray, min_count: int
) -> Category:
    """Learns the categories that at least ``min_count`` train rows have."""
    indices = indices[train]
    counts = np.bincount(indices[indices >= 0], minlength=len(texts))
    kept = (text for text, count in zip(texts, counts, strict=True) if count >= min_count)
    return Category(name, sort_names(kept))


def numbers(name: str, cells: pyarrow.ChunkedArray, place: Place, fix: str) -> np.ndarray:
    """The values of a column [B], NaN where they are missing.

    Args:
        name: the column's.
        cells: numbers, or text.
        place: where the rows are from.
        fix: what to do where one is no number.

    Raises:
        ValueError: where a cell is no finite number.
    """
    import pyarrow
    from pyarrow import compute

    if not is_numeric(cells.type):
        text = compute.utf8_trim_whitespace(cells.cast(pyarrow.string()))
        missing = compute.is_in(text, value_set=pyarrow.array(MISSING_NUMBERS))
        cells = compute.if_else(missing, None, text)
    try:
        values = cells.cast(pyarrow.float64(), safe=False).to_numpy().copy()
    except pyarrow.ArrowInvalid:  # which cell it is, Arrow does not say
        values = np.array([number(text) for text in cells.to_pylist()])
    infinite = np.isinf(values)
    if infinite.any():
        found = first_of(cells, infinite, place)
        raise problem(f"column {name}", "must hold finite numbers", found, fix)
    return values


def first_of(cells: pyarrow.ChunkedArray, wrong: np.ndarray, place: Place) -> str:
    """The first of the cells that are wrong, by a mask [B], and how many there are."""
    first, count = int(np.argmax(wrong)), int(wrong.sum())
    more = f" ({count:,} cells like it)" if count > 1 else ""
    return f"{cells[first].as_py()!r} in {place(first)}{more}"


def number(text: str | None) -> float:
    """The value of a cell: NaN where it is missing, infinite where it is none."""
    if text is None:
        return np.nan
    return float(text) if is_number(text) else np.inf


def is_numeric(kind: pyarrow.DataType) -> bool:
    """Whether an Arrow type is one of numbers; truth values, dates and times are none."""
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def read_weights(name: str, cells: pyarrow.ChunkedArray, place: Place, fix: str) -> Tensor:
    """How much each row counts in the losses, [B]; the arguments are those of `numbers`.

    Raises:
        ValueError: where a cell is no number of at least 0.
    """
    values = numbers(name, cells, place, fix)
    wrong = ~(values >= 0)
    if wrong.any():
        found = first_of(cells, wrong, place)
        rule = f"must be a column of numbers of at least 0: {name}"
        raise problem("dataset.weight_column", rule, found, fix)
    return from_numpy(values.astype(np.float32))
