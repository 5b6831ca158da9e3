"""The settings of one source of texts: where it is, which columns are read, how it is split."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.splits.options import SplitOptions

READ = ("delimiter", "header", "names", "encoding", "quote", "on_bad_row")
KNOWN = ("path", "val_path", "test_path", "labels", "text", "label", "split", *READ)
# {what a setting was called: what says it today}
OLD = {
    "split_column": "split={{by: column, column: {}}}",
    "val_fraction": "split={{val: {}}}",
    "test_fraction": "split={{test: {}}}",
    "columns": "names={}",
}


@dataclass(frozen=True)
class Common:
    """What sources have where they do not say it themselves.

    Args:
        text: the column of the texts; of pairs, a list of two.
        label: the column of the labels of a source that has no ``labels``.
        split: how the rows of each are dealt.
        files: how their files are read.
    """

    text: str | list[str]
    label: str
    split: SplitOptions
    files: ReadOptions


@dataclass(frozen=True)
class TextSource:
    """One source.

    Args:
        name: of the source, and of the input that its texts are.
        path: a file, folder or glob; ``{class: path}`` for files of one text a line; ``hub:<name>``
            for a Hugging Face dataset; None: nothing said.
        val_path: the same, of rows for val alone; None: val is a part of the others.
        test_path: likewise of test.
        text: the column of the texts; of pairs, a list of two.
        labels: ``{task: its column}``; of a multilabel task, or a regression of several numbers, a
            list of columns.
        split: how its rows are dealt, where no file says it.
        options: how its files are read.
    """

    name: str
    path: str | Mapping[str, str] | None
    val_path: str | None
    test_path: str | None
    text: str | list[str]
    labels: dict[str, str | list[str]]
    split: SplitOptions
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
    def columns_of(self) -> dict[str, list[str]]:
        """``{task: its columns}``."""
        return {task: [c] if isinstance(c, str) else list(c) for task, c in self.labels.items()}

    @property
    def text_columns(self) -> list[str]:
        """The column of the texts, or both of pairs."""
        return columns_of_texts(self.text)

    @property
    def columns(self) -> list[str]:
        """All columns that are read, the text first."""
        labels = [column for columns in self.columns_of.values() for column in columns]
        split = [] if self.split.column is None else [self.split.column]
        return list(dict.fromkeys([*self.text_columns, *labels, *split]))


def columns_of_texts(text: str | list[str]) -> list[str]:
    """The column of texts, or both of pairs."""
    return [text] if isinstance(text, str) else list(text)


def make_sources(
    sources: Mapping[str, Mapping[str, Any]], targets: Collection[str], common: Common
) -> list[TextSource]:
    """The sources of a config.

    Args:
        sources: ``{name: its own settings}``.
        targets: the tasks.
        common: what a source has where it does not say it itself.

    Raises:
        ValueError: where a setting is unknown, or tasks and sources do not fit each other.
    """
    made = [make_source(name, own, targets, common) for name, own in sources.items()]
    for task in targets:
        readers = [source.name for source in made if task in source.labels]
        if len(readers) != 1:
            rule = "must have its labels in exactly one source"
            found = f"in {', '.join(readers)}" if readers else f"in none of {', '.join(sources)}"
            fix = f"'+dataset.sources.{made[0].name}.labels={{{task}: <column>}}'"
            if readers:
                fix = one_each(task, next(own for own in made if own.name == readers[1]))
            raise problem(f"dataset.targets.{task}", rule, found, fix)
    return made


def one_each(task: str, source: TextSource) -> str:
    """What to say where a task's labels are in an earlier source than this, too."""
    new = f"{task}_{source.name}"
    labels = f"labels: {{{new}: {source.labels[task]}}} in dataset.sources.{source.name}"
    return f"a task for each: {labels}, and {new} in dataset.targets"


def make_source(
    name: str, own: Mapping[str, Any], targets: Collection[str], common: Common
) -> TextSource:
    """One source, with the common settings where it has none of its own."""
    slot = f"dataset.sources.{name}"
    if not isinstance(own, Mapping):
        raise problem(slot, "is a mapping of settings", own, f"{slot}.path={own}")
    if unknown := [key for key in own if key not in KNOWN]:
        key, value = unknown[0], own[unknown[0]]
        fix = f"{slot}.{nearest(key, list(KNOWN)) or 'path'}=..."
        if key in OLD:
            fix = f"'{slot}.{OLD[key].format(value)}'"
        rule = f"has no such setting; it has {', '.join(KNOWN)}"
        raise problem(f"{slot}.{key}", rule, value, fix)
    label = own.get("label", common.label)
    labels = own.get("labels") or ({name: label} if name in targets else {})
    if not labels:
        fix = f"'+{slot}.labels={{{next(iter(targets), name)}: {label}}}'"
        raise problem(slot, "must have the labels of some task", "none", fix)
    for task in labels:
        if task not in targets:
            rule = f"must be a task of dataset.targets: {', '.join(targets) or 'none'}"
            raise problem(f"{slot}.labels", rule, task, f"'dataset.targets={{{task}: binary}}'")
    return TextSource(
        name=name,
        path=own.get("path"),
        val_path=own.get("val_path"),
        test_path=own.get("test_path"),
        text=own.get("text", common.text),
        labels=dict(labels),
        split=common.split.of_source(own.get("split"), f"{slot}.split"),
        options=replace(common.files, slot=slot, **{k: own[k] for k in READ if k in own}),
    )
