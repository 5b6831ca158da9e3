"""Columns of numbers: their values, and rows' weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, from_numpy

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.cells import MISSING, is_number
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow


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
        missing = compute.is_in(text, value_set=pyarrow.array(MISSING))
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
        raise problem(
            f"column {name}, which weighs rows,", "must hold numbers of at least 0", found, fix
        )
    return from_numpy(values.astype(np.float32))
