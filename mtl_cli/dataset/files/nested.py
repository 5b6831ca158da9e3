"""Columns whose cells are lists, objects or bytes, and so no number, text or date."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from mtl_cli.basis.errors import Problem, problem

if TYPE_CHECKING:
    import pyarrow

READERS = {".parquet": "parquet", ".pq": "parquet"}


def is_nested(kind: pyarrow.DataType) -> bool:
    """Whether cells of an Arrow type are no single values."""
    from pyarrow import types

    binary = types.is_binary(kind) or types.is_large_binary(kind)
    return bool(types.is_nested(kind) or binary or types.is_fixed_size_binary(kind))


def nested(file: Path, name: str, kind: pyarrow.DataType) -> Problem:
    """The error for such a column, with the command that makes a column of each of its values."""
    from pyarrow import types

    rule = "must hold one value a row: a number, a text, a truth value or a date"
    without = f"'dataset.columns={{{name}: {{type: drop}}}}' leaves it out"
    if not types.is_nested(kind) or not file.is_file():
        what = str(kind)[:40] if types.is_nested(kind) else f"bytes ({kind})"
        return problem(f"column {name} of {file}", rule, what, without)
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
    fix = f"{without}; or a column for each value: python -c {shlex.quote(code)}"
    return problem(f"column {name} of {file}", rule, found, fix)


def quoted(text: str) -> str:
    """A text as Python reads it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)
