"""The settings of one source of texts: where it is, which columns are read, how it is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtl_cli.basis.errors import check_choice, nearest, problem
from mtl_cli.dataset.columns.labels import KINDS
from mtl_cli.dataset.files.parts import ReadOptions

READ = ("delimiter", "header", "columns", "encoding", "quote", "on_bad_row")
COMMON = ("text", "label", "split_column", "val_fraction", "test_fraction", *READ)
OWN = ("path", "val_path", "test_path", "labels")


@dataclass(frozen=True)
class TextSource:
    """One source.

    Args:
        name: of the source, and of the input that its texts are.
        path: a file, folder or glob; ``{class: path}`` for files of one text a line; ``hub:<name>``
            for a Hugging Face dataset; None: nothing said.
        val_path: the same, of rows for val alone; None: val is a part of the others.
        test_path: likewise of test.
        text: the column of the texts.
        labels: ``{task: its column}``; of a multilabel task a list of columns.
        split_column: the column that says train, val or test; None: fractions are drawn.
        val_fraction: the share of rows that become val, where nothing else says which do.
        test_fraction: likewise of test.
        options: how its files are read.
    """

    name: str
    path: str | Mapping[str, str] | None
    val_path: str | None
    test_path: str | None
    text: str
    labels: dict[str, str | list[str]]
    split_column: str | None
    val_fraction: float
    test_fraction: float
    options: ReadOptions

    @property
    def slot(self) -> str:
        """Where it stands in the config."""
        return self.options.slot

    @property
    def paths(self) -> dict[str, str]:
        """All paths, by what their rows are: of a class, or for a split."""
        if isinstance(self.path, Mapping):
            paths: dict[str, str | None] = {f"class {k}": path for k, path in self.path.items()}
        else:
            paths = {"path": self.path}
        paths |= {"val": self.val_path, "test": self.test_path}
        return {name: path for name, path in paths.items() if path is not None}

    @property
    def drawn(self) -> list[str]:
        """The splits that no file and no column gives, as far as that is known before reading."""
        files = {"val": self.val_path, "test": self.test_path}
        return [split for split in files if files[split] is None and self.split_column is None]

    @property
    def columns_of(self) -> dict[str, list[str]]:
        """``{task: its columns}``."""
        return {task: [c] if isinstance(c, str) else list(c) for task, c in self.labels.items()}

    @property
    def columns(self) -> list[str]:
        """All columns that are read, the text first."""
        labels = [column for columns in self.columns_of.values() for column in columns]
        split = [] if self.split_column is None else [self.split_column]
        return list(dict.fromkeys([self.text, *labels, *split]))


def make_sources(
    sources: Mapping[str, Mapping[str, Any]], targets: Mapping[str, str], common: Mapping[str, Any]
) -> list[TextSource]:
    """The sources of a config.

    Args:
        sources: ``{name: its own settings}``.
        targets: ``{task: kind}``.
        common: what a source has where it does not say it itself.

    Raises:
        ValueError: where a setting is unknown, or tasks and sources do not fit each other.
    """
    if not sources:
        fix = "'dataset.sources={movie: {path: movie.csv}}' 'dataset.targets={movie: binary}'"
        raise problem("dataset.sources", "must name at least one source", "none", fix)
    if not targets:
        fix = f"'dataset.targets={{{next(iter(sources))}: binary}}'"
        raise problem(
            "dataset.targets", "must name what to predict, each with its kind", "none", fix
        )
    for task, kind in targets.items():
        check_choice(
            f"dataset.targets.{task}", kind, KINDS, f"'dataset.targets={{{task}: binary}}'"
        )
    made = [make_source(name, own, targets, common) for name, own in sources.items()]
    for task in targets:
        readers = [source.name for source in made if task in source.labels]
        if len(readers) != 1:
            rule = "must have its labels in exactly one source"
            found = f"in {', '.join(readers)}" if readers else f"in none of {', '.join(sources)}"
            fix = f"'+dataset.sources.{made[0].name}.labels={{{task}: <column>}}'"
            raise problem(f"dataset.targets.{task}", rule, found, fix)
    return made


def make_source(
    name: str, own: Mapping[str, Any], targets: Mapping[str, str], common: Mapping[str, Any]
) -> TextSource:
    """One source, with the common settings where it has none of its own."""
    slot = f"dataset.sources.{name}"
    known = [*OWN, *COMMON]
    if not isinstance(own, Mapping):
        raise problem(slot, "is a mapping of settings", own, f"{slot}.path={own}")
    if unknown := [key for key in own if key not in known]:
        fix = f"{slot}.{nearest(unknown[0], known) or 'path'}=..."
        rule = f"has no such setting; it has {', '.join(known)}"
        raise problem(f"{slot}.{unknown[0]}", rule, own[unknown[0]], fix)
    values: dict[str, Any] = dict.fromkeys(OWN) | dict(common) | dict(own)
    labels = values.get("labels") or ({name: values["label"]} if name in targets else {})
    if not labels:
        fix = f"'+{slot}.labels={{{next(iter(targets), name)}: {values['label']}}}'"
        raise problem(slot, "must have the labels of some task", "none", fix)
    for task in labels:
        if task not in targets:
            rule = f"must be a task of dataset.targets: {', '.join(targets) or 'none'}"
            raise problem(f"{slot}.labels", rule, task, f"'dataset.targets={{{task}: binary}}'")
    options = ReadOptions(slot=slot, **{key: values[key] for key in READ})
    rest = {key: values[key] for key in ("path", "text", "val_path", "test_path", *COMMON[2:5])}
    return TextSource(name=name, labels=dict(labels), options=options, **rest)
