"""JSON Lines: an object a line, whose keys are the columns; a key may be missing in some rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.encoded import lines, wrong_encoding
from mtl_cli.dataset.files.parts import Part, ReadOptions, check_columns

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
            names = list(dict.fromkeys(key for row in rows for key in row))
            if wanted is not None:
                if first == 1:
                    check_columns(names, wanted, f"the columns of {file.name} that are read")
                names = list(wanted)
            part = Part(
                file, as_table(rows, names, text), first, [n for n in skipped if n >= first]
            )
            yield part
            first = part.numbers()[-1] + 1
    except UnicodeError as error:
        raise wrong_encoding(file, options) or error from error
    options.skipped += len(skipped)


def objects_of(file: Path, options: ReadOptions, skipped: list[int]) -> Iterator[dict[str, Any]]:
    """The object of each line that is not blank; notes the numbers of those that are none."""
    number = 0
    for line in lines(file, options.encoding):
        if not line.strip():
            continue
        number += 1
        try:
            row = json.loads(line)
            reason = "" if isinstance(row, dict) else f"no object: {line[:60]!r}"
        except ValueError as error:
            reason = f"{error}: {line[:60]!r}"
        if not reason:
            yield row
        elif options.on_bad_row == "skip":
            skipped.append(number)
        else:
            fix = options.advice("mend the row", "on_bad_row=skip, which leaves such rows out")
            raise problem(f"row {number} of {file}", "must be a JSON object", reason, fix)


def as_table(
    rows: list[dict[str, Any]], names: Sequence[str], text: bool | Iterable[str]
) -> pyarrow.Table:
    """The values by column; a column whose values are of several types becomes text."""
    import pyarrow

    as_text = names if text is True else [] if text is False else list(text)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[name] = None if name in as_text else pyarrow.array(values)
        except (ValueError, TypeError):
            columns[name] = None
        if columns[name] is None:
            columns[name] = pyarrow.array(map(cell, values), pyarrow.string())
    return pyarrow.table(columns)


def cell(value: Any) -> str | None:
    """A value as it is written in a table of text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
