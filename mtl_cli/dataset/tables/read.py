"""The files of a table as one Arrow table: those to train on, then those of the test split."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.dataset.columns.numbers import numbers
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.nested import check_nested, is_list
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part, Place, place_among
from mtl_cli.dataset.files.read import read_parts
from mtl_cli.dataset.tables.lists import as_lists, check_separators, check_single

if TYPE_CHECKING:
    import pyarrow


def read_tables(
    paths: Iterable[str],
    options: ReadOptions,
    text: Iterable[str],
    writing: Writing,
    dropped: Collection[str],
) -> tuple[pyarrow.Table, Place, list[int]]:
    """Reads all files of all paths, which must have the columns of the first one.

    Args:
        paths: of the train rows, and maybe of the test rows.
        options: how to read them.
        text: the columns whose cells stay as they are written.
        writing: how numbers are written in the others, where they are text.
        dropped: the columns that are not read on.

    Returns:
        the rows, where each is from, and how many rows each path has.

    Raises:
        ValueError: where files have other columns, or cells of one are no single values.
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
            kept = [name for name in part.table.column_names if name not in dropped]
            check_nested(replace(part, table=part.table.select(kept)), kept, options)
            parts.append(replace(part, table=with_written_numbers(part.table, text, writing)))
            counts[-1] += len(part.table)
    check_separators(parts, options)
    return concatenate(parts, options), place_among(parts), counts


def with_written_numbers(
    table: pyarrow.Table, text: Collection[str], writing: Writing
) -> pyarrow.Table:
    """The table with columns of numbers where all cells of text are numbers, written so."""
    import pyarrow

    if writing.is_plain:
        return table
    for i, (name, cells) in enumerate(zip(table.column_names, table.columns, strict=True)):
        if name not in text and pyarrow.types.is_string(cells.type):
            values = writing.values(cells)
            if not np.isinf(values).any():
                read = pyarrow.chunked_array([pyarrow.array(values, from_pandas=True)])
                table = table.set_column(i, name, read)
    return table


def as_numbers(
    table: pyarrow.Table, place: Place, names: Collection[str], writing: Writing
) -> pyarrow.Table:
    """The table with columns of numbers that must be so, of targets and weights, say; those that
    are not there are refused elsewhere.

    Raises:
        ValueError: where a cell of one is no number that is written so.
    """
    import pyarrow

    check_single(table, names, place, "a target or a weight")
    for name in set(names) & set(table.column_names) if not writing.is_plain else ():
        at = table.column_names.index(name)
        values = numbers(name, table.column(at), place, "mend the cell, or leave it empty", writing)
        cells = pyarrow.chunked_array([pyarrow.array(values, from_pandas=True)])
        table = table.set_column(at, name, cells)
    return table


def concatenate(parts: Sequence[Part], options: ReadOptions) -> pyarrow.Table:
    """One table of the first one's columns; a column that is text in one file is text in all, where
    numbers stand as text files have them."""
    import pyarrow
    from pyarrow import compute, types

    tables = [part.table for part in parts]
    if len(tables) == 1:
        return tables[0]
    columns, fields = [], []
    for name in tables[0].column_names:
        pieces = [table.column(name) for table in tables]
        kinds = [piece.type for piece in pieces if not types.is_null(piece.type)]
        if len(set(kinds)) > 1 and any(map(is_list, kinds)):
            pieces = as_lists(name, parts, options)
            kinds = [piece.type for piece in pieces]
        if len(set(kinds)) > 1:
            number = all(types.is_integer(kind) or types.is_floating(kind) for kind in kinds)
            kinds = [pyarrow.float64() if number else pyarrow.string()]
        kind = kinds[0] if kinds else pyarrow.null()
        for i, piece in enumerate(pieces):
            pieces[i] = piece.cast(kind)
            if kind == pyarrow.string() and types.is_floating(piece.type):
                mark = options.mark(name, str(parts[i].file))
                pieces[i] = compute.replace_substring(pieces[i], ".", mark)
        chunks = [chunk for piece in pieces for chunk in piece.chunks]
        columns.append(pyarrow.chunked_array(chunks, kind))
        fields.append(tables[0].schema.field(name).with_type(kind))
    return pyarrow.table(columns, schema=pyarrow.schema(fields))
