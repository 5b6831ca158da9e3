"""Numbers among cells that hold nothing but blanks, which Arrow takes for text."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mtl_cli.dataset.files.cells import MISSING

if TYPE_CHECKING:
    import pyarrow

FIRST = 100  # cells, of which one mostly tells text from numbers


def with_numbers(table: pyarrow.Table, as_text: Collection[str]) -> pyarrow.Table:
    """The table, in which columns of text are numbers where all else in them is missing.

    Args:
        table: as Arrow inferred it.
        as_text: the columns that are to stay text.
    """
    import pyarrow

    for i, name in enumerate(table.column_names):
        column = table.column(i)
        if name in as_text or not pyarrow.types.is_string(column.type):
            continue
        if as_numbers(column.slice(0, FIRST)) is None:  # it is text, as most such columns are
            continue
        numbers = as_numbers(column)
        if numbers is not None and numbers.null_count:
            table = table.set_column(i, name, numbers)
    return table


def as_numbers(cells: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray | None:
    """The numbers in cells of text, null where one is missing; None where another is none."""
    import pyarrow
    from pyarrow import compute

    trimmed = compute.utf8_trim_whitespace(cells)
    missing = compute.is_in(trimmed, value_set=pyarrow.array(MISSING))
    try:
        return compute.if_else(missing, None, trimmed).cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return None
