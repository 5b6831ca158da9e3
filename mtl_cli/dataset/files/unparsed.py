"""What Arrow's parser of CSV takes although it is none: bytes, and a quote that never ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.encoded import blocks
from mtl_cli.dataset.files.options import ReadOptions

if TYPE_CHECKING:
    import pyarrow


def check_cells(table: pyarrow.Table, file: Path, options: ReadOptions) -> None:
    """Refuses some rows of a file that are not what they seem to be.

    Raises:
        ValueError: where there are bytes that are no text, or the last cell goes on to the end.
    """
    if any(str(kind) == "binary" for kind in table.schema.types):
        raise ValueError("bytes that are no text")
    last = table.column(table.num_columns - 1)[-1].as_py() if len(table) else None
    if isinstance(last, str) and "\n" in last and not ends_in_quote(file, options):
        raise problem(
            f"the last row of {file}",
            "must end the quotes that it begins",
            f"a cell of {last.count(chr(10)) + 1} lines: {last[:40]!r}...",
            options.advice("mend the file", "quote=null, where nothing quotes"),
        )


def ends_in_quote(file: Path, options: ReadOptions) -> bool:
    """Whether the last character but blanks quotes."""
    end = b""
    for block in blocks(file):
        end = (end + block).rstrip()[-8:]
    return end.decode(options.encoding, "replace").endswith(options.quote or "")
