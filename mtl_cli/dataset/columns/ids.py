"""Columns that name rows: no model can learn from them, and most are called id."""

from __future__ import annotations

import re

from mtl_cli.dataset.columns.column import Written
from mtl_cli.dataset.files.column_names import words_for

# The row numbers that pandas writes have no name, or this one in Parquet.
NAMED = re.compile(r"(?i:id|.*[_ .-]id)|.*[a-z]I[dD]|(Unnamed: \d+|__index_level_\d+__)?")


def id_hint(written: Written) -> str:
    """What to type for a column that is called so, and whose cells all differ; else nothing."""
    from pyarrow import compute

    cells = written.cells
    if written.said or not NAMED.fullmatch(written.name):
        return ""
    if cells.null_count or compute.count_distinct(cells).as_py() < len(cells):
        return ""
    return f"an id? {words_for(written.name, 'type: id')} for predictions alone"


def ids_hint(written: Written) -> str:
    """What to type for whole numbers that are called so and come again: names of users, say, whose
    size means nothing; else nothing."""
    from pyarrow import types

    if (
        written.said
        or not NAMED.fullmatch(written.name)
        or not types.is_integer(written.cells.type)
    ):
        return ""
    return f"ids? {words_for(written.name, 'type: category')} tells one from another"
