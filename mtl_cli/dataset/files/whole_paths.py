"""Cells that name files: from the folder on that their table lies in, or from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.files.parts import Part


def with_whole_paths(part: Part, roots: Mapping[str, str | None]) -> Part:
    """The rows, whose paths lead to their files from anywhere.

    Args:
        part: some rows of a file.
        roots: ``{column: the folder that its paths begin in}``; None: that of the file, or, of rows
            that Python holds, where the program runs.
    """
    import pyarrow

    table = part.table
    for name in roots.keys() & {*table.column_names}:
        at = table.column_names.index(name)
        if pyarrow.types.is_string(table.column(at).type):
            usual = "" if is_held(part.file) else part.file.parent
            folder = Path(roots[name] or usual).expanduser()
            cells = [(cell or "").strip() for cell in table.column(at).to_pylist()]
            whole = [
                None if cell in MISSING else str(folder / Path(cell).expanduser()) for cell in cells
            ]
            column = pyarrow.chunked_array([pyarrow.array(whole, pyarrow.string())])
            table = table.set_column(at, name, column)
    return replace(part, table=table)
