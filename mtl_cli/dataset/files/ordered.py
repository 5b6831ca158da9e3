"""The order of a column's values, where its data says one: a category of pandas that is ordered.

It stands beside the name of the column, for the cells themselves become text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mtl_cli.dataset.files.canonical import canonical

if TYPE_CHECKING:
    import pyarrow

ORDER = b"order"


def field_of_text(name: str, column: pyarrow.ChunkedArray) -> pyarrow.Field:
    """What a column is called as text, with the order of its values where it says one."""
    import pyarrow
    from pyarrow import compute

    kind = column.type
    if not (pyarrow.types.is_dictionary(kind) and kind.ordered and column.num_chunks):
        return pyarrow.field(name, pyarrow.string())
    values = compute.cast(column.unify_dictionaries().chunk(0).dictionary, pyarrow.string())
    order = [canonical(value.strip()) for value in values.to_pylist()]
    return pyarrow.field(name, pyarrow.string(), metadata={ORDER: json.dumps(order)})


def order_of(table: pyarrow.Table, name: str) -> list[str] | None:
    """The values of a column from the lowest to the highest; None where nothing says it."""
    said = (table.schema.field(name).metadata or {}).get(ORDER)
    return None if said is None else list(json.loads(said))
