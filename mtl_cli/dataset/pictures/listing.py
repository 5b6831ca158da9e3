"""The pictures of a source, and a table with a row for each: of paths, or of folders by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.picture_paths import USUAL, path_column
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.canonical import canonical
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.parts import Place, ReadOptions
from mtl_cli.dataset.files.picture_files import PHOTOS
from mtl_cli.dataset.pictures.lists import read_list, splits_in
from mtl_cli.dataset.pictures.source import PictureSource
from mtl_cli.dataset.splits.named import WORDS
from mtl_cli.dataset.tables.read import read_tables
from mtl_cli.dataset.tables.targets import TableTargets

if TYPE_CHECKING:
    import pyarrow

CLASS = "class"  # the column of what folders are called
SPLITS = {word: split for split, words in WORDS.items() for word in words}


@dataclass(frozen=True)
class Listed:
    """The pictures of a source.

    Args:
        files: of each.
        table: a row for each, with its labels.
        place: where each is named.
        given: the split that its file or folder is for, or "" where it is for none, [N].
        notes: what is not as one would wish.
        column: of the paths; None: folders by class say all.
    """

    files: list[Path]
    table: pyarrow.Table
    place: Place
    given: np.ndarray
    notes: list[str]
    column: str | None

    def __len__(self) -> int:
        return len(self.files)

    def at(self, kept: np.ndarray) -> Listed:
        """Those at these positions."""
        files = [self.files[i] for i in kept.tolist()]
        place = self.place
        return replace(
            self,
            files=files,
            table=self.table.take(kept),
            place=lambda i: place(int(kept[i])),
            given=self.given[kept],
        )


def listed(source: PictureSource, origin: str | None) -> Listed:
    """All pictures of a source.

    Args:
        source: its settings.
        origin: where people get the files; None: nobody says it.

    Raises:
        ValueError: where there is none, or a row names a picture that is not there.
    """
    paths = {"": source.path, "val": source.val_path, "test": source.test_path}
    roots = {split: Path(own).expanduser() for split, own in paths.items() if own is not None}
    if all(root.is_dir() and not is_of_tables(root) for root in roots.values()):
        return in_classes(roots)
    return in_table(source, list(roots.values()), list(roots), origin)


def is_of_tables(root: Path) -> bool:
    """Whether a folder holds files and no folder, of which some is no picture."""
    inside = [own for own in root.iterdir() if not own.name.startswith(".")]
    return not any(own.is_dir() for own in inside) and not any(map(is_picture, inside))


def is_picture(file: Path) -> bool:
    return file.suffix.lower() in PHOTOS and not file.name.startswith(".")


def in_classes(roots: dict[str, Path]) -> Listed:
    """Pictures in a folder for each class, at any depth; maybe below train, val and test."""
    import pyarrow

    files: list[Path] = []
    classes: list[str] = []
    given: list[str] = []
    loose: list[Path] = []
    for split, root in roots.items():
        for own, folder in split_folders(root).items():
            loose += sorted(file for file in folder.iterdir() if is_picture(file))
            for name, pictures in by_class(folder).items():
                files += pictures
                classes += [name] * len(pictures)
                given += [split or own] * len(pictures)
    check_names(roots, classes)
    notes = [f"{len(loose)} pictures are in no class's folder: {few(loose)}"] if loose else []
    table = pyarrow.table({CLASS: classes})
    return Listed(files, table, lambda i: str(files[i]), np.array(given, dtype="<U5"), notes, None)


def split_folders(root: Path) -> dict[str, Path]:
    """``{split: its folder}`` where all folders are called as splits are; else ``{"": root}``."""
    folders = [own for own in root.iterdir() if own.is_dir() and not own.name.startswith(".")]
    named = {SPLITS.get(own.name.lower(), ""): own for own in folders}
    return named if named and "" not in named and len(named) == len(folders) else {"": root}


def by_class(folder: Path) -> dict[str, list[Path]]:
    """``{class: its pictures}``, in the order of their names."""
    found: dict[str, list[Path]] = {}
    for own in sorted(folder.iterdir()):
        if own.is_dir() and not own.name.startswith("."):
            found[own.name] = sorted(file for file in own.rglob("*") if is_picture(file))
            if not found[own.name]:
                rule, fix = "must hold pictures, as the folder of a class", "the folder removed"
                inside = sorted(file.name for file in own.iterdir())[:3]
                held = f"none, but {', '.join(inside)}" if inside else "an empty folder"
                raise problem(str(own), f"{rule}: {', '.join(PHOTOS)}", held, fix)
    if not found:
        inside = sorted(own.name for own in folder.iterdir())[:5]
        rule = "must hold a folder of pictures for each class"
        fix = "dataset.path=<a CSV of paths and labels>, or a folder for each class"
        raise problem(str(folder), rule, ", ".join(inside) or "an empty folder", fix)
    return found


def check_names(roots: dict[str, Path], classes: Sequence[str]) -> None:
    """Refuses folders that are one class when they are read as labels, or none."""
    taken: dict[str, str] = {}
    for name in dict.fromkeys(classes):
        read = canonical(name.strip())
        found = taken.setdefault(read, name)
        if found != name or read in MISSING:
            rule = "must be another class than all others, as a label"
            what = f"{found} is the same" if found != name else "a word for a missing label"
            raise problem(f"the folder {name} of {roots['']}", rule, what, "another name for it")


def in_table(
    source: PictureSource,
    paths: Sequence[Path],
    splits: Sequence[str],
    origin: str | None,
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
    check_there(source, column, cells, files, place, origin)
    if source.partition is not None:
        given = splits_in(Path(source.partition).expanduser(), cells, source.slot, origin)
    return Listed(files, table, place, given, notes_on(files), column)


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
        rule, fix = "must name a picture in each row", "those rows removed"
        raise problem(f"the column {column}", rule, found, fix)
    gone = [i for i, file in enumerate(files) if not file.is_file()]
    if gone:
        found = f"{len(gone)} of {len(files)} rows without one, first {place(gone[0])}"
        fix = f"{source.slot}.root=<the folder that the paths begin in>, or those rows removed"
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


def few(files: Sequence[Path]) -> str:
    """The names of the first files."""
    return ", ".join(file.name for file in files[:3]) + ", ..." * (len(files) > 3)
