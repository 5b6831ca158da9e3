"""The settings of one source of pictures: where it is, which columns are read, how it is split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.columns.target_options import TargetOptions
from mtl_cli.dataset.splits.options import SplitOptions

ALONE = "image"  # the input of the only source, which needs no name
KNOWN = ("path", "val_path", "test_path", "labels", "image", "root", "partition", "split")
EXAMPLE = "'dataset.sources={photos: {path: photos}}' 'dataset.targets={photos: multiclass}'"
PATHS = "a table of paths, or a folder with a folder of pictures for each class"

Targets = Mapping[str, TargetOptions]


@dataclass(frozen=True)
class PictureSource:
    """One source.

    Args:
        name: of the source, and of the input that its pictures are.
        slot: where it stands in the config.
        path: a table of paths (CSV, TSV, JSON Lines, Parquet), or a folder of classes.
        val_path: the same, of pictures for val alone; None: val is a part of the others.
        test_path: likewise of test.
        image: the column of the pictures' paths; None: one of the usual names.
        root: the folder that those paths begin in; None: the table's own.
        partition: a file with the split of each picture; None: there is none.
        split: how its pictures are dealt, where no file and no folder says it.
        targets: ``{task: what it is}`` of those whose labels it has.
    """

    name: str
    slot: str
    path: str
    val_path: str | None
    test_path: str | None
    image: str | None
    root: str | None
    partition: str | None
    split: SplitOptions
    targets: Targets


def make_sources(
    path: str | None,
    sources: Mapping[str, Mapping[str, Any]] | None,
    targets: Targets,
    usual: Mapping[str, Any],
    split: SplitOptions,
) -> list[PictureSource]:
    """The sources of a config.

    Args:
        path: of the only one, or None.
        sources: ``{name: its own settings}``, or None.
        targets: what to predict.
        usual: what a source has where it does not say it itself.
        split: how the pictures of each are dealt.

    Raises:
        ValueError: where nothing is said, a setting is unknown, or tasks and sources do not fit.
    """
    if (path is None) == (not sources):
        found = "none" if path is None else "path and sources"
        rule = f"must be {PATHS}; or dataset.sources names several, each with its path"
        raise problem("dataset.path", rule, found, f"dataset.path=<folder or CSV>; or {EXAMPLE}")
    if path is not None:
        return [PictureSource(ALONE, "dataset", path, **usual, split=split, targets=targets)]
    if not isinstance(sources, Mapping):
        rule = "is a mapping of names to settings"
        raise problem("dataset.sources", rule, sources, EXAMPLE)
    made = [make_source(str(name), own, targets, usual, split) for name, own in sources.items()]
    for task in targets:
        readers = [source.name for source in made if task in source.targets]
        if len(readers) != 1:
            rule = "must have its labels in exactly one source"
            found = f"in {', '.join(readers)}" if readers else f"in none of {', '.join(sources)}"
            first = readers[-1] if readers else made[0].name
            fix = f"'+dataset.sources.{first}.labels={{{task}: <column>}}'"
            if readers:
                fix = f"a task for each source, {task}_{first} say, in dataset.targets and labels"
            raise problem(f"dataset.targets.{task}", rule, found, fix)
    return made


def make_source(
    name: str, own: Any, targets: Targets, usual: Mapping[str, Any], split: SplitOptions
) -> PictureSource:
    """One source, with the common settings where it has none of its own."""
    slot = f"dataset.sources.{name}"
    if not isinstance(own, Mapping):
        raise problem(slot, "is a mapping of settings", own, f"{slot}.path={own}")
    for key in own:
        if key not in KNOWN:
            rule = f"has no such setting; it has {', '.join(KNOWN)}"
            fix = f"{slot}.{nearest(str(key), list(KNOWN)) or 'path'}=..."
            raise problem(f"{slot}.{key}", rule, own[key], fix)
    if own.get("path") is None:
        raise problem(f"{slot}.path", f"must be {PATHS}", "none", f"{slot}.path=<folder or CSV>")
    labels = own.get("labels") or ({name: None} if name in targets else {})
    if not labels:
        fix = f"dataset.targets.{name}=multiclass"
        if not Path(str(own["path"])).expanduser().is_dir():
            fix = f"{fix} '+{slot}.labels={{{name}: <column>}}'"
        raise problem(slot, "must have the labels of some task", "none", fix)
    for task in labels:
        if task not in targets:
            rule = f"must be a task of dataset.targets: {', '.join(targets) or 'none'}"
            raise problem(f"{slot}.labels", rule, task, f"'dataset.targets={{{task}: binary}}'")
    return PictureSource(
        name=name,
        slot=slot,
        path=str(own["path"]),
        **{key: own.get(key, value) for key, value in usual.items()},
        split=split.of_source(own.get("split"), f"{slot}.split"),
        targets={task: in_columns(targets[task], column) for task, column in labels.items()},
    )


def in_columns(target: TargetOptions, column: str | Sequence[str] | None) -> TargetOptions:
    """A target whose labels stand in a column, or several; None: where it says itself."""
    if column is None:
        return target
    if isinstance(column, str):
        return replace(target, column=column)
    return replace(target, columns=list(column))
