"""Cells that are the paths of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.cells import append, encode
from mtl_cli.dataset.files.parts import Place


def files_of(
    name: str, cells: Any, place: Place, skip: bool | None = None
) -> tuple[np.ndarray, Sequence[Path], Sequence[Path]]:
    """The different pictures of a column, which of them each cell names, -1: none; and those that
    are not there.

    Args:
        name: of the column.
        cells: its own.
        place: where the rows are from.
        skip: whether pictures that are not there are left out; None: nobody can say so.

    Raises:
        ValueError: where a cell names a picture that is not there.
    """
    of, written = encode(cells, write=str)
    paths = [Path(cell) for cell in written]
    there = np.array([path.is_file() for path in paths], dtype=bool)
    gone = [path for path, is_there in zip(paths, there, strict=True) if not is_there]
    if gone and not skip:
        rows = np.flatnonzero((of >= 0) & ~append(there, 1).astype(bool)[of])
        first = int(rows[0])
        found = f"{len(rows)} of {len(of)} rows without one, first {place(first)}"
        fix = f"dataset.columns.{name}.root=<the folder that the paths begin in>, or empty cells"
        fix += f", or dataset.columns.{name}.on_bad_picture=skip" if skip is False else ""
        rule = "must name pictures that are there"
        raise problem(f"the column {name}", rule, f"{found}: no {paths[of[first]]}", fix)
    numbers = np.where(there, there.cumsum() - 1, -1)
    kept = [path for path, is_there in zip(paths, there, strict=True) if is_there]
    return append(numbers, -1)[of], kept, gone
