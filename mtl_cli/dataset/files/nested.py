"""Columns whose cells are no single values: lists of categories, which are read, and what is not:
objects, bytes, lists of these or of fractions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part

if TYPE_CHECKING:
    import pyarrow

READERS = {".parquet": "parquet", ".pq": "parquet"}
RULE = "must hold one value a row, or a list of names or whole numbers"


def is_list(kind: pyarrow.DataType) -> bool:
    """Whether cells of an Arrow type are lists, of anything."""
    from pyarrow import types

    kinds = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return any(own(kind) for own in (*kinds, types.is_list_view, types.is_large_list_view))


def is_nested(kind: pyarrow.DataType) -> bool:
    """Whether cells of an Arrow type are no single values."""
    from pyarrow import types

    binary = types.is_binary(kind) or types.is_large_binary(kind)
    return bool(types.is_nested(kind) or binary or types.is_fixed_size_binary(kind))


def check_nested(part: Part, lists: Iterable[str], options: ReadOptions) -> None:
    """Refuses columns whose cells are no single values, but for lists of names or whole numbers.

    Args:
        part: the rows.
        lists: the columns that may hold such lists.
        options: by which they were read.
    """
    for name, column in zip(part.table.column_names, part.table.columns, strict=True):
        if not is_nested(column.type):
            continue
        values = is_list(column.type) and not is_nested(column.type.value_type)
        if not values or name not in lists or has_fractions(column):
            raise nested(part.file, name, column.type, options)


def has_fractions(lists: pyarrow.ChunkedArray) -> bool:
    """Whether lists have a number that is not whole."""
    from pyarrow import compute, types

    values = compute.list_flatten(lists)
    if not types.is_floating(values.type):
        return False
    whole = compute.equal(values, compute.round(values))
    wrong = compute.or_(compute.is_inf(values), compute.invert(whole))
    return bool(compute.any(compute.and_not(wrong, compute.is_nan(values))).as_py())


def nested(file: Path, name: str, kind: pyarrow.DataType, options: ReadOptions) -> Problem:
    """The error for such a column, with the command that makes a column of each of its values."""
    from pyarrow import types

    thing, new_rows = f"column {name} of {file}", options.slot == "input"
    fixes = [f"{words_for(name, 'type: drop')} leaves it out"]
    if is_list(kind) and not is_nested(kind.value_type) and not types.is_floating(kind.value_type):
        fixes.append(f"{words_for(name, 'type: list')} makes an input of it")
    if new_rows:  # a run reads what it has learned to read
        fixes = ["cells as those that the run was trained on"]
    if not types.is_nested(kind) or not file.is_file():
        what = str(kind)[:40] if types.is_nested(kind) else f"bytes ({kind})"
        return problem(thing, RULE, what, "; ".join(fixes))
    is_parquet = file.suffix.lower() in READERS
    read = "read_parquet({})" if is_parquet else "read_json({}, lines=True)"
    write = "to_parquet({})" if is_parquet else 'to_json({}, orient="records", lines=True)'
    own, new = (quoted(str(p)) for p in (file, file.with_name(f"{file.stem}_wide{file.suffix}")))
    code = (
        f"import pandas; rows = pandas.{read.format(own)}; "
        f"cells = pandas.DataFrame(rows.pop({quoted(name)}).tolist(), rows.index); "
        f"rows.join(cells.add_prefix({quoted(f'{name}_')})).{write.format(new)}"
    )
    found = f"{'objects' if types.is_struct(kind) else 'lists'} ({str(kind)[:40]})"
    if not new_rows:
        fixes.append(f"or a column for each value: python -c {shlex.quote(code)}")
    return problem(thing, RULE, found, "; ".join(fixes))


def quoted(text: str) -> str:
    """A text as Python reads it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def list_array(values: Sequence[Any], thing: str) -> pyarrow.Array:
    """A column of Python's lists; where they hold numbers and names, all are text.

    Args:
        values: lists, and None (or NaN) for missing ones.
        thing: what the column is called in messages.

    Raises:
        ValueError: where a cell is something else, or a list holds lists or objects beside names.
    """
    import pyarrow

    try:
        return pyarrow.array(values, from_pandas=True)
    except (ValueError, TypeError, OverflowError, NotImplementedError):
        pass  # some are numbers and some are names, or worse
    lists = [None if is_nothing(own) else own for own in values]
    if others := [own for own in lists if own is not None and not is_listed(own)]:
        found = f"{others[0]!r:.60} beside lists"
        raise problem(thing, "must hold a list in each row, or in none", found, "lists in all")
    inner = [value for own in lists if own is not None for value in own]
    if others := [value for value in inner if is_listed(value) or isinstance(value, dict)]:
        fix = "plain lists, or the column left out: type: drop"
        raise problem(thing, RULE, f"a list that holds {others[0]!r:.60}", fix)
    texts = [
        None if own is None else [None if is_nothing(value) else str(value) for value in own]
        for own in lists
    ]
    return pyarrow.array(texts, pyarrow.list_(pyarrow.string()))


def is_listed(value: Any) -> bool:
    """Whether an object of Python is a list of others: a list, a tuple, or an array."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes | dict)


def is_nothing(value: Any) -> bool:
    """Whether an object of Python is None, or no number."""
    return value is None or (isinstance(value, float) and value != value)
