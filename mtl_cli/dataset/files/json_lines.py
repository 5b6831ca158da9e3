"""JSON Lines: an object a line, whose keys are the columns; a key may be missing in some rows. An
array of objects is read too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.encoded import lines, wrong_encoding
from mtl_cli.dataset.files.foreign import OF_COLUMNS, refused
from mtl_cli.dataset.files.nested import list_array
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part

if TYPE_CHECKING:
    import pyarrow


def read_json_lines(
    file: Path,
    options: ReadOptions,
    wanted: Sequence[str] | None,
    chunk_rows: int | None,
    text: bool | Iterable[str],
) -> Iterator[Part]:
    """See `read.read_parts`. Without a chunk's size, all rows are held as objects for a moment."""
    skipped: list[int] = []
    objects = objects_of(file, options, skipped)
    first = 1
    try:
        while rows := list(islice(objects, chunk_rows)):
            if first == len(rows) == 1 and is_of_columns(rows[0]):
                raise refused(file, options.path, OF_COLUMNS)
            names = list(dict.fromkeys(key for row in rows for key in row))
            if wanted is not None:
                if first == 1:
                    check_columns(names, wanted, f"the columns of {file.name} that are read")
                names = list(wanted)
            table = as_table(rows, names, text, file, options)
            part = Part(file, table, first, [n for n in skipped if n >= first])
            yield part
            first = part.numbers()[-1] + 1
    except UnicodeError as error:
        raise wrong_encoding(file, options) or error from error
    options.skipped += len(skipped)


def objects_of(file: Path, options: ReadOptions, skipped: list[int]) -> Iterator[dict[str, Any]]:
    """The object of each line that is not blank, or of each item of an array; notes the numbers of
    those that are none."""
    read: Iterable[tuple[Any, str]]
    if (whole := whole_of(file, options.encoding)) is not None:
        read = ((row, f"no object: {str(row)[:60]!r}") for row in whole)
    else:
        read = map(parsed, filter(str.strip, lines(file, options.encoding)))
    for number, (row, reason) in enumerate(read, 1):
        if isinstance(row, dict):
            yield row
        elif options.on_bad_row == "skip":
            skipped.append(number)
        else:
            fix = options.advice("mend the row", "on_bad_row=skip, which leaves such rows out")
            raise problem(f"row {number} of {file}", "must be a JSON object", reason, fix)


def parsed(line: str) -> tuple[Any, str]:
    """What a line holds, and why that is no object, where it is none."""
    try:
        return json.loads(line), f"no object: {line[:60]!r}"
    except ValueError as error:
        return None, f"{error}: {line[:60]!r}"


def is_of_columns(row: dict[str, Any]) -> bool:
    """Whether an object, the only one, holds columns and no values of a row."""
    return bool(row) and all(isinstance(value, dict | list) for value in row.values())


def whole_of(file: Path, encoding: str) -> list[Any] | None:
    """The rows of a file that is one array, ``[{...}, {...}]``, or one object of several lines;
    None where it is none. Such a file is read whole.
    """
    first = next((line.strip() for line in lines(file, encoding) if line.strip()), "")
    if not first.startswith("[") and first != "{":
        return None
    try:
        whole = json.loads("\n".join(lines(file, encoding)))
    except ValueError:  # whose lines are looked at one by one
        return None
    return whole if isinstance(whole, list) else [whole]


def as_table(
    rows: list[dict[str, Any]],
    names: Sequence[str],
    text: bool | Iterable[str],
    file: Path,
    options: ReadOptions,
) -> pyarrow.Table:
    """The values by column; lists where they may be, and a column whose values are of several types
    becomes text, where a number stands as the others are written."""
    import pyarrow

    as_text = names if text is True else [] if text is False else list(text)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        of_lists = name in options.lists or name not in as_text
        if of_lists and any(isinstance(value, list) for value in values):
            columns[name] = list_array(values, f"column {name} of {file}")
            continue
        try:
            columns[name] = None if name in as_text else pyarrow.array(values)
        except (ValueError, TypeError):
            columns[name] = None
        if columns[name] is None:
            fractions = any(isinstance(value, float) and value % 1 for value in values)
            mark = options.mark(name, str(file)) if fractions and name not in as_text else "."
            columns[name] = pyarrow.array([cell(v, mark) for v in values], pyarrow.string())
    return pyarrow.table(columns)


def cell(value: Any, mark: str) -> str | None:
    """A value as it is written in a table of text, by this decimal mark."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float):
        return str(value).replace(".", mark)
    return json.dumps(value, ensure_ascii=False)
