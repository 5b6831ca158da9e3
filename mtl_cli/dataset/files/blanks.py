"""Numbers among cells that hold nothing but blanks, which Arrow takes for text."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mtl_cli.dataset.files.cells import MISSING

if TYPE_CHECKING:
    import pyarrow


def with_numbers(table: pyarrow.Table, as_text: Collection[str]) -> pyarrow.Table:
    """The table, in which columns of text are numbers where all else in them is missing.

    Args:
        table: as Arrow inferred it.
        as_text: the columns that are to stay text.
    """
    import pyarrow
    from pyarrow import compute

    for i, name in enumerate(table.column_names):
        column = table.column(i)
        if name in as_text or not pyarrow.types.is_string(column.type):
            continue
        trimmed = compute.utf8_trim_whitespace(column)
        missing = compute.is_in(trimmed, value_set=pyarrow.array(MISSING))
        if not compute.any(missing).as_py():
            continue
        try:
            numbers = compute.if_else(missing, None, trimmed).cast(pyarrow.float64())
        except pyarrow.ArrowInvalid:  # it is text
            continue
        table = table.set_column(i, name, numbers)
    return table
