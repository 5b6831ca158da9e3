"""Columns of numbers: their values, and rows' weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, from_numpy

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.writing import PLAIN, Writing, present, writing_of
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow


def numbers(
    name: str,
    cells: pyarrow.ChunkedArray,
    place: Place,
    fix: str,
    writing: Writing = PLAIN,
    mend: Callable[[Writing], str] | None = None,
) -> np.ndarray:
    """The values of a column [B], NaN where they are missing.

    Args:
        name: the column's.
        cells: numbers, or text.
        place: where the rows are from.
        fix: what to do where one is no number.
        writing: how text is a number.
        mend: what to do where it is written otherwise; None: as with any cell.

    Raises:
        ValueError: where a cell is no finite number.
    """
    import pyarrow

    text = cells if is_numeric(cells.type) else present(cells)
    try:
        if text is not cells and not writing.is_plain:
            raise pyarrow.ArrowInvalid("Arrow reads plain numbers alone")
        values = text.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False).copy()
    except pyarrow.ArrowInvalid:
        values = writing.values(text)
    infinite = np.isinf(values)
    if infinite.any():
        found = first_of(cells, infinite, place)
        if mend is not None and (other := writing_of(text)) is not None:
            fix = mend(other) or fix
        elif mend is not None and 2 * infinite.sum() < len(infinite):
            fix = f"an empty cell, where there is no number; or {fix}"
        raise problem(f"column {name}", "must hold finite numbers", found, fix)
    return values


def first_of(cells: pyarrow.ChunkedArray, wrong: np.ndarray, place: Place) -> str:
    """The first of the cells that are wrong, by a mask [B], and how many there are."""
    first, count = int(np.argmax(wrong)), int(wrong.sum())
    more = f" ({count:,} cells like it)" if count > 1 else ""
    return f"{cells[first].as_py()!r} in {place(first)}{more}"


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
