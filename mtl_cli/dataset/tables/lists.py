"""Columns of lists in several files: stored in some, and text with a mark between in others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.writing import present
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.nested import is_list
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part, Place

if TYPE_CHECKING:
    import pyarrow

SEPARATOR = "|"  # between the values of text, where nobody says another


def as_lists(name: str, parts: Sequence[Part], options: ReadOptions) -> list[pyarrow.ChunkedArray]:
    """A column that is lists in one of several files, as lists of text of each.

    Raises:
        ValueError: where it is no lists in another, and nobody says that it is to be split.
    """
    import pyarrow
    from pyarrow import compute, types

    kind, pieces = pyarrow.list_(pyarrow.string()), []
    for part in parts:
        piece = part.table.column(name)
        if not is_list(piece.type) and not types.is_null(piece.type):
            if name not in options.lists:
                rule, found = "must be lists in all files, or text to be split", str(piece.type)
                fix = words_for(name, f'type: list, split: "{SEPARATOR}"')
                raise problem(f"column {name} of {part.file}", rule, found, fix)
            mark = options.lists[name] or SEPARATOR
            split = compute.split_pattern(present(piece), pattern=mark)
            piece = pyarrow.chunked_array([split])
        pieces.append(piece.cast(kind))
    return pieces


def check_separators(parts: Sequence[Part], options: ReadOptions) -> None:
    """Refuses a mark between the values of a column that no file holds as text."""
    for name, mark in options.lists.items():
        own = [part for part in parts if name in part.table.column_names]
        if mark is not None and own and all(is_list(p.table.column(name).type) for p in own):
            rule = "must be left out where files store lists: no cell is split"
            fix = f"'~dataset.columns.{name}.split'; text of new rows is split at {SEPARATOR}"
            found = f"{mark!r}, and lists in {own[0].file}"
            raise problem(f"dataset.columns.{name}.split", rule, found, fix)


def check_single(table: pyarrow.Table, names: Iterable[str], place: Place, use: str) -> None:
    """Refuses lists in columns of which each row has one value, for their ``use``."""
    for name in set(names) & set(table.column_names):
        if is_list(kind := table.schema.field(name).type):
            rule, fix = f"must hold one value a row: it is {use}", "a column of single values"
            raise problem(f"column {name} (of {place(0)})", rule, f"lists ({kind})", fix)
