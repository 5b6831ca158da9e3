"""The pictures of a source, and a table with a row for each: of paths, or of folders by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.picture_paths import USUAL, path_column
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.pictures.class_folders import in_classes
from mtl_cli.dataset.pictures.listed import Listed, few, is_picture
from mtl_cli.dataset.pictures.lists import read_list, splits_in
from mtl_cli.dataset.pictures.source import PictureSource
from mtl_cli.dataset.tables.read import read_tables
from mtl_cli.dataset.tables.targets import TableTargets

if TYPE_CHECKING:
    pass


def listed(source: PictureSource, origin: str | None, skip: bool) -> Listed:
    """All pictures of a source.

    Args:
        source: its settings.
        origin: where people get the files; None: nobody says it.
        skip: whether rows whose picture is not there are left out.

    Raises:
        ValueError: where there is none, or a row names a picture that is not there.
    """
    paths = {"": source.path, "val": source.val_path, "test": source.test_path}
    roots = {split: Path(own).expanduser() for split, own in paths.items() if own is not None}
    if all(root.is_dir() and not is_of_tables(root) for root in roots.values()):
        return in_classes(roots)
    return in_table(source, list(roots.values()), list(roots), origin, skip)


def is_of_tables(root: Path) -> bool:
    """Whether a folder holds files and no folder, of which some is no picture."""
    inside = [own for own in root.iterdir() if not own.name.startswith(".")]
    return not any(own.is_dir() for own in inside) and not any(map(is_picture, inside))


def in_table(
    source: PictureSource,
    paths: Sequence[Path],
    splits: Sequence[str],
    origin: str | None,
    skip: bool,
) -> Listed:
    """Pictures by rows with their paths and labels."""
    options = ReadOptions(source.slot)
    options.origin = origin
    if (found := read_list(paths[0])) is not None:
        (table, place), counts = found, [len(found[0])]
    else:
        text = TableTargets(source.targets, None, None).text_columns()
        known = [*text, *([source.image] if source.image else USUAL)]
        names = [str(path) for path in paths]
        table, place, counts = read_tables(names, options, known, Writing(".", None), ())
    column = path_column(table.column_names, source.image, f"{source.slot}.image")
    given = np.repeat(np.array(splits, dtype="<U5"), counts)
    folders = [Path(source.root).expanduser() if source.root else path.parent for path in paths]
    root_of = np.repeat(np.arange(len(paths)), counts)
    cells = ["" if cell is None else str(cell).strip() for cell in table[column].to_pylist()]
    files = [folders[k] / Path(cell).expanduser() for k, cell in zip(root_of, cells, strict=True)]
    there = [cell not in MISSING and f.is_file() for cell, f in zip(cells, files, strict=True)]
    if not skip or not any(there):
        check_there(source, column, cells, files, place, origin)
    if source.partition is not None:
        given = splits_in(Path(source.partition).expanduser(), cells, source.slot, origin)
    all_of_them = Listed(files, table, place, given, [], column)
    if all(there):
        return replace(all_of_them, notes=notes_on(files))
    first = place(there.index(False))
    said = f"{there.count(False):,} rows without a picture are left out, first {first}"
    kept = all_of_them.at(np.flatnonzero(there))
    return replace(kept, notes=[said, *notes_on(kept.files)])


def check_there(
    source: PictureSource,
    column: str,
    cells: Sequence[str],
    files: Sequence[Path],
    place: Place,
    origin: str | None,
) -> None:
    """Refuses rows without a picture: labels of nothing."""
    blank = [i for i, cell in enumerate(cells) if cell in MISSING]
    if blank:
        found = f"{len(blank)} blank cells, first in {place(blank[0])}"
        rule = "must name a picture in each row"
        fix = "those rows removed, or dataset.on_bad_picture=skip, which leaves them out"
        raise problem(f"the column {column}", rule, found, fix)
    gone = [i for i, file in enumerate(files) if not file.is_file()]
    if gone:
        found = f"{len(gone)} of {len(files)} rows without one, first {place(gone[0])}"
        fix = f"{source.slot}.root=<the folder that the paths begin in>, or those rows removed, or"
        fix += " dataset.on_bad_picture=skip, which leaves them out"
        rule, fix = "must name pictures that are there", f"{origin}; {fix}" if origin else fix
        raise problem(f"the column {column}", rule, f"{found}: no {files[gone[0]]}", fix)


def notes_on(files: Sequence[Path]) -> list[str]:
    """How many pictures are in several rows, and how many beside them in none."""
    notes = []
    twice = [file for file, count in Counter(files).items() if count > 1]
    if twice:
        notes.append(f"{len(twice)} pictures are in several rows: {few(twice)}")
    named = set(files)
    beside = [own for folder in sorted({f.parent for f in named}) for own in folder.iterdir()]
    unnamed = sorted(own for own in beside if is_picture(own) and own not in named)
    if unnamed:
        notes.append(f"{len(unnamed)} pictures beside them are in no row: {few(unnamed)}")
    return notes
