"""Rows that are stored by column, with their types: Parquet, and NumPy's archives (``.npz``)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.nested import is_list, is_nested, nested
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.ordered import field_of_text
from mtl_cli.dataset.files.parts import Part

if TYPE_CHECKING:
    import pyarrow


def read_parquet(
    file: Path,
    options: ReadOptions,
    wanted: Sequence[str] | None,
    chunk_rows: int | None,
    text: bool | Iterable[str],
) -> Iterator[Part]:
    """See `read.read_parts`."""
    import pyarrow
    from pyarrow import parquet

    try:
        stored = parquet.ParquetFile(file)
    except (pyarrow.ArrowInvalid, OSError) as error:
        rule = "must be a Parquet file"
        raise problem(str(file), rule, str(error), "another file, or its right name") from error
    if wanted is not None:
        check_columns(
            stored.schema_arrow.names, wanted, f"the columns of {file.name} that are read"
        )
    if chunk_rows is None:
        table = stored.read(columns=wanted)
        yield Part(file, with_text(table, text, file, options))
        return
    first = 1
    for batch in stored.iter_batches(chunk_rows, columns=wanted):
        table = pyarrow.Table.from_batches([batch])
        yield Part(file, with_text(table, text, file, options), first)
        first += len(table)


def read_npz(
    file: Path,
    options: ReadOptions,
    wanted: Sequence[str] | None,
    chunk_rows: int | None,
    text: bool | Iterable[str],
) -> Iterator[Part]:
    """See `read.read_parts`. An array [N] is a column of its name; of an array [N, F], such as
    ``X``, each column is one, called ``X_1`` to ``X_F``. An array is never read in chunks."""
    import pyarrow

    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        rule = "must be a NumPy archive of arrays without Python objects"
        fix = "numpy.savez(path, X=numbers, income=labels)"
        raise problem(str(file), rule, str(error), fix) from error
    shapes = {name: array.shape for name, array in arrays.items()}
    lengths = {shape[0] if 1 <= len(shape) <= 2 else -1 for shape in shapes.values()}
    if len(lengths) != 1 or -1 in lengths:
        rule = "must hold arrays [N] or [N, F] of one length N"
        fix = "numpy.savez(path, X=numbers, income=labels)"
        raise problem(str(file), rule, ", ".join(f"{n} {s}" for n, s in shapes.items()), fix)
    columns = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[name] = pyarrow.array(array)
        else:
            for i in range(array.shape[1]):
                columns[f"{name}_{i + 1}"] = pyarrow.array(np.ascontiguousarray(array[:, i]))
    if wanted is not None:
        check_columns(columns, wanted, f"the columns of {file.name} that are read")
        columns = {name: columns[name] for name in wanted}
    table = with_text(pyarrow.table(columns), text, file, options)
    for begin in range(0, len(table), chunk_rows or len(table)):
        yield Part(file, table.slice(begin, chunk_rows), begin + 1)


def with_text(
    table: pyarrow.Table, text: bool | Iterable[str], file: Path, options: ReadOptions
) -> pyarrow.Table:
    """The table with the columns that are wanted as text, but for lists where they may be; a NaN is
    missing.

    Raises:
        ValueError: where the cells of one are no single values.
    """
    import pyarrow
    from pyarrow import compute

    wanted = table.column_names if text is True else [] if text is False else text
    for name in set(wanted) & set(table.column_names):
        column = table.column(name)
        if is_list(column.type) and name in options.lists:
            continue
        if is_nested(column.type):
            raise nested(file, name, column.type, options)
        called = field_of_text(name, column)
        if pyarrow.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pyarrow.types.is_floating(column.type):
            column = compute.if_else(compute.is_nan(column), None, column)
        table = table.set_column(
            table.column_names.index(name), called, compute.cast(column, pyarrow.string())
        )
    return table
