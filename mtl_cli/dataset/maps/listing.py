"""Which files belong to a picture: by a table of paths, or by equal names in several folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Place, place_among
from mtl_cli.dataset.files.picture_files import SUFFIXES
from mtl_cli.dataset.files.read import read_parts
from mtl_cli.dataset.maps.map_target import MapTarget

PICTURES = "image"  # what the pictures are called among the tasks
# What a folder, or a column, may be called if it has not the task's name.
USUAL: Mapping[str, tuple[str, ...]] = {
    PICTURES: ("images", "image"),
    "segmentation": ("masks", "mask", "labels", "label"),
    "depth": ("depth", "depths"),
    "normals": ("normals", "normal"),
    "edges": ("edges", "edge"),
}
Targets = Mapping[str, MapTarget]


@dataclass(frozen=True)
class Listing:
    """Pictures and the files of their maps.

    Args:
        files: ``{"image" or task: the file of each picture}``; None: it has no such map.
        place: where each picture is named.
        cells: gives another column of the table.
        table: of all rows; None: there is none, but folders.
    """

    files: dict[str, list[Path | None]]
    place: Place
    cells: Callable[[str], Any]
    table: Any = None


def listed(path: str, image: str | None, targets: Targets) -> Listing:
    """All pictures below a folder, or in a table of paths.

    Args:
        path: a folder of folders, or a file of rows.
        image: the column, or the folder, of the pictures; None: one of the usual names.
        targets: what to predict.

    Raises:
        ValueError: where there is none, or a file that is named is not there.
    """
    root = Path(path).expanduser()
    return in_folders(root, image, targets) if root.is_dir() else in_table(root, image, targets)


def named(there: list[str], image: str | None, targets: Targets, what: str) -> dict[str, str]:
    """``{"image" or task: its column or folder}``.

    Args:
        there: all that there are.
        image: of the pictures, where it is said.
        targets: what to predict.
        what: they are, ``columns`` or ``folders``.
    """
    said = {PICTURES: image} | {task: own.column for task, own in targets.items()}
    kinds = {PICTURES: PICTURES} | {task: own.kind for task, own in targets.items()}
    found: dict[str, str] = {}
    taken = {own or name for name, own in said.items()} & {*there}
    without = [kinds[name] for name, own in said.items() if (own or name) not in taken]
    for name, own in said.items():
        usual = [x for x in USUAL[kinds[name]] if without.count(kinds[name]) == 1]
        choices = [own] if own else [name, *(x for x in usual if x not in taken)]
        place = next((choice for choice in choices if choice in there), None)
        if place is None:
            slot = "dataset.image" if name == PICTURES else f"dataset.targets.{name}.column"
            rule = f"must name one of the {what}: {', '.join(there) or 'there is none'}"
            left = [x for x in there if x not in found.values()]
            likely = [x for x in USUAL[kinds[name]] if x in left]
            close = nearest(choices[0], left) or next(iter([*likely, *left, "images"]))
            fix = f"{slot}={close}"
            raise problem(slot, rule, f"no {' nor '.join(dict.fromkeys(choices))}", fix)
        found[name] = place
    return found


def in_folders(root: Path, image: str | None, targets: Targets) -> Listing:
    """Pictures whose maps have their names in other folders."""
    folders = sorted(own.name for own in root.iterdir() if own.is_dir())
    places = named(folders, image, targets, f"folders of {root}")
    files = {name: by_stem(root / folder) for name, folder in places.items()}
    pictures = files[PICTURES]
    if not pictures:
        folder = root / places[PICTURES]
        rule, fix = f"must hold pictures: {', '.join(SUFFIXES)}", "dataset.image=<its folder>"
        raise problem(str(folder), rule, "none", fix)
    for name, own in files.items():
        lost = [stem for stem in pictures if stem not in own]
        if lost:
            example = pictures[lost[0]]
            rule = f"must hold a file {lost[0]}, for {example}"
            found = f"{len(lost)} of {len(pictures)} pictures without"
            fix = "the file, or the picture removed; a table of paths may have blank cells"
            raise problem(str(root / places[name]), rule, found, fix)
    order = list(pictures)

    def cells(column: str) -> Any:
        rule, fix = "needs a table of paths, with that column", "dataset.path=<a CSV of paths>"
        raise problem("dataset.split.column", rule, f"a folder, {root}", fix)

    files_of: dict[str, list[Path | None]] = {
        name: [own[stem] for stem in order] for name, own in files.items()
    }
    return Listing(files_of, lambda i: str(pictures[order[i]]), cells)


def by_stem(folder: Path) -> dict[str, Path]:
    """``{name without its ending: file}`` of a folder's files that can be read."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in SUFFIXES and not file.name.startswith("."):
            if file.stem in found:
                rule, fix = "must be alone with its name", "one of the two removed"
                raise problem(str(file), rule, found[file.stem].name, fix)
            found[file.stem] = file
    return found


def in_table(path: Path, image: str | None, targets: Targets) -> Listing:
    """Pictures by rows with the paths of a picture and its maps, from the table's folder on."""
    import pyarrow

    options = ReadOptions()
    parts = list(read_parts(path, options))
    table = pyarrow.concat_tables([part.table for part in parts], promote_options="permissive")
    place = place_among(parts)
    places = named(table.column_names, image, targets, f"columns of {path.name}")
    files: dict[str, list[Path | None]] = {}
    for name, column in places.items():
        files[name] = []
        for i, cell in enumerate(table[column].to_pylist()):
            text = "" if cell is None else str(cell).strip()
            file = None if text in MISSING else path.parent / Path(text).expanduser()
            if file is None and name == PICTURES:
                raise problem(place(i), "must name a picture", "a blank cell", "the row removed")
            if file is not None and not file.is_file():
                rule = f"must name a file, in {column}"
                fix = "a path from the table's folder on, or a blank cell where there is none"
                fix = "a path from the table's folder on" if name == PICTURES else fix
                raise problem(place(i), rule, f"no {file}", fix)
            files[name].append(file)

    def cells(column: str) -> Any:
        check_columns(table.column_names, [column], "dataset.split.column", "dataset")
        return table[column]

    return Listing(files, place, cells, table)
