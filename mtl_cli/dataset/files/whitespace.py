"""Rows whose cells stand apart by runs of blanks, as a copy with tabs that a CSV reader takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mtl_cli.dataset.files.encoded import lines


@contextmanager
def as_tabs(file: Path, encoding: str, quote: str | None) -> Iterator[Path]:
    """A copy of the file in UTF-8, unpacked, a tab between the cells, until the end.

    Args:
        file: its blanks at the ends of a line are no cells.
        encoding: of the file.
        quote: what a cell with blanks stands in; None: nothing quotes.
    """
    bare = r"[^ \t\r]+"
    mark = None if quote is None else re.escape(quote)
    cell = re.compile(bare if mark is None else rf"{mark}[^{mark}]*{mark}|{bare}")
    with TemporaryDirectory() as folder:
        copy = Path(folder, "tabs")
        with copy.open("w", encoding="utf-8", newline="") as target:
            for line in lines(file, encoding):
                target.write("\t".join(cell.findall(line)) + "\n")
        yield copy
