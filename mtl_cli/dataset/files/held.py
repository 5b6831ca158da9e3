"""Rows that Python holds, under a name that stands where a path stands: ``memory:data``.

So a data frame is read as a Parquet file of it would be, by whatever reads files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.shell import as_word
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.nested import is_listed, list_array
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part, shown
from mtl_cli.dataset.files.stored import with_text

if TYPE_CHECKING:
    import pyarrow

PREFIX = "memory:"
AS_ARRAYS = "mtl_cli.train([...], data=(inputs, targets)), which takes arrays of any shape"
HELD: dict[str, Any] = {}  # rows or arrays by name, while a block of `held` lasts


class NamedArrays(dict[str, np.ndarray]):
    """Inputs and targets by name, each [N, ...]: no columns of a table."""


@contextmanager
def held(data: Mapping[str, Any]) -> Iterator[None]:
    """While the block lasts, ``memory:<name>`` are the rows of these frames, or these arrays.

    Args:
        data: ``{name: a pandas.DataFrame, a pyarrow.Table, {column: its cells}, or arrays by name
            as `arrays.named_arrays` gives them}``.
    """
    before = dict(HELD)
    for name, rows in data.items():
        HELD[name] = rows if isinstance(rows, NamedArrays) else arrow_table(name, rows)
    try:
        yield
    finally:
        HELD.clear()
        HELD.update(before)


def is_held(path: str | Path) -> bool:
    """Whether a path is the name of such rows."""
    return str(path).startswith(PREFIX)


def arrow_table(name: str, rows: Any) -> pyarrow.Table:
    """Rows with the types that they have; columns of several kinds of objects as they are written.

    Raises:
        ValueError: where they are no rows.
    """
    import pyarrow

    if isinstance(rows, pyarrow.Table):
        return rows
    if hasattr(rows, "columns") and hasattr(rows, "index"):  # pandas
        names = list(map(str, rows.columns))
        columns = [rows.iloc[:, i] for i in range(len(names))]
    elif isinstance(rows, Mapping):
        names, columns = list(map(str, rows)), list(rows.values())
    else:
        rule = "must be a pandas.DataFrame, a pyarrow.Table, or {column: its cells}"
        fix = f"pandas.DataFrame(...), or {AS_ARRAYS}"
        raise problem(f"the data {name!r}", rule, type(rows).__name__, fix)
    if twice := [n for n in dict.fromkeys(names) if names.count(n) > 1]:
        rule = "must have columns of different names"
        raise problem(f"the data {name!r}", rule, f"{', '.join(twice)} twice", "another name")
    if len(lengths := {len(column) for column in columns}) > 1:
        found = ", ".join(map(str, sorted(lengths)))
        raise problem(f"the data {name!r}", "must have columns of one length", found, "the same")
    for own, column in zip(names, columns, strict=True):
        if len(shape := getattr(column, "shape", ())) > 1:
            rule = "must have a cell for each row"
            raise problem(f"column {own} of the data {name!r}", rule, f"shape {shape}", AS_ARRAYS)
    things = [f"column {own} of the data {name!r}" for own in names]
    return pyarrow.table(list(map(cells, columns, things)), names=names)


def cells(column: Any, thing: str) -> pyarrow.Array:
    """One column, called ``thing``; where its objects are of several kinds, their text."""
    import pandas
    import pyarrow

    try:
        return pyarrow.array(column, from_pandas=True)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError):
        if any(map(is_listed, column)):
            return list_array(list(column), thing)
        texts = [
            None if pandas.api.types.is_scalar(x) and pandas.isna(x) else str(x) for x in column
        ]
        return pyarrow.array(texts, pyarrow.string())


def read_held(
    file: Path,
    options: ReadOptions,
    wanted: Sequence[str] | None,
    chunk_rows: int | None,
    text: bool | Iterable[str],
) -> Iterator[Part]:
    """See `read.read_parts`."""
    name = str(file).removeprefix(PREFIX)
    if name not in HELD:
        known = nearest(name, list(HELD)) or next(iter(HELD), None)
        in_python = "mtl_cli.train([...], data=frame)"
        fix = as_word(options.path, f"{PREFIX}{known}") if known else in_python
        rule = "must be handed over in Python, which holds it"
        raise problem(f"{options.path}={file}", rule, "nothing of that name", fix)
    table = HELD[name]
    if isinstance(table, NamedArrays):
        fix = f"dataset=arrays {as_word('dataset.path', file)}"
        raise problem(f"{options.path}={file}", "must be rows", "arrays", fix)
    if wanted is not None:
        check_columns(table.column_names, wanted, f"the columns of {shown(file)} that are read")
        table = table.select(list(wanted))
    table = with_text(table, text, file, options)
    for begin in range(0, len(table), chunk_rows or max(len(table), 1)):
        yield Part(file, table.slice(begin, chunk_rows), begin + 1)
