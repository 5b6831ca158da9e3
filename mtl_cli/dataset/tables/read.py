"""The files of a table as one Arrow table: those to train on, then those of the test split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mtl_cli.dataset.files.parts import Part, Place, ReadOptions, check_columns, place_among
from mtl_cli.dataset.files.read import read_parts

if TYPE_CHECKING:
    import pyarrow


def read_tables(
    paths: Iterable[str], options: ReadOptions, text: Iterable[str]
) -> tuple[pyarrow.Table, Place, list[int]]:
    """Reads all files of all paths, which must have the columns of the first one.

    Args:
        paths: of the train rows, and maybe of the test rows.
        options: how to read them.
        text: the columns whose cells stay as they are written.

    Returns:
        the rows, where each is from, and how many rows each path has.
    """
    text = list(text)
    parts: list[Part] = []
    counts = []
    for path in paths:
        counts.append(0)
        for part in read_parts(path, options, None, None, text):
            if parts:
                thing = f"the columns of {parts[0].file.name}"
                check_columns(part.table.column_names, parts[0].table.column_names, thing)
            parts.append(part)
            counts[-1] += len(part.table)
    return concatenate([part.table for part in parts]), place_among(parts), counts


def concatenate(tables: list[pyarrow.Table]) -> pyarrow.Table:
    """One table of the first one's columns; a column that is text in one file is text in all."""
    import pyarrow
    from pyarrow import types

    if len(tables) == 1:
        return tables[0]
    columns = {}
    for name in tables[0].column_names:
        pieces = [table.column(name) for table in tables]
        kinds = [piece.type for piece in pieces if not types.is_null(piece.type)]
        if len(set(kinds)) > 1:
            number = all(types.is_integer(kind) or types.is_floating(kind) for kind in kinds)
            kinds = [pyarrow.float64() if number else pyarrow.string()]
        kind = kinds[0] if kinds else pyarrow.null()
        chunks = [chunk for piece in pieces for chunk in piece.cast(kind).chunks]
        columns[name] = pyarrow.chunked_array(chunks, kind)
    return pyarrow.table(columns)
