"""Pictures in a folder for each class, maybe below folders for train, val and test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.canonical import canonical
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.picture_files import PHOTOS
from mtl_cli.dataset.pictures.listed import CLASS, Listed, few, is_picture
from mtl_cli.dataset.splits.named import WORDS

SPLITS = {word: split for split, words in WORDS.items() for word in words}


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
