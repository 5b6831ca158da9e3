"""The labels of a source's pictures, and which of them train, select and test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.columns.target_options import TargetOptions
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.pictures.listed import CLASS, Listed
from mtl_cli.dataset.pictures.source import PictureSource
from mtl_cli.dataset.prepared.stored import Stored
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.facts import lines_of
from mtl_cli.dataset.splits.shared import remarks_on
from mtl_cli.dataset.tables.targets import TableTargets


@dataclass(frozen=True)
class Labelled:
    """Pictures with labels.

    Args:
        labels: of all of them.
        listed: where they stand.
        splits: ``{split: the numbers of its pictures among those that are listed}``.
        kept: the number of each among those that were decoded, [N].
        drawn, facts: see `Dealt`.
        notes: what there is to say of them.
    """

    labels: TableTargets
    splits: dict[str, np.ndarray]
    kept: np.ndarray
    drawn: list[str]
    facts: dict[str, Any]
    notes: list[str]

    @property
    def known(self) -> dict[str, Target]:
        """How each target is read."""
        return self.labels.known

    @property
    def class_names(self) -> dict[str, list[str]]:
        return self.labels.class_names

    @property
    def sizes(self) -> dict[str, int]:
        return self.labels.sizes

    def rows(self, split: str, input: str, pictures: Stored) -> Rows:
        """The examples of a split, whose pictures stay where they are."""
        at = torch.from_numpy(self.splits[split])
        stored = pictures.at(torch.from_numpy(self.kept)[at])
        targets = {task: labels[at] for task, labels in self.labels.targets.items()}
        weights = {task: own[at] for task, own in self.labels.weights.items()}
        return Rows({input: stored}, targets, weights)


def read_labels(source: PictureSource, listed: Listed) -> TableTargets:
    """The labels of all pictures of a source.

    Raises:
        ValueError: where a column is not there, or its labels are none of the task's kind.
    """
    labels = TableTargets({t: of(own, listed) for t, own in source.targets.items()}, None, None)
    labels.read(listed.table, listed.place)
    return labels


def of(target: TargetOptions, listed: Listed) -> TargetOptions:
    """A target of folders by class, whose labels are the folders' names."""
    return target if listed.column is not None else replace(target, column=CLASS)


def labelled(source: PictureSource, listed: Listed, kept: np.ndarray) -> Labelled:
    """Labels of pictures, dealt into splits.

    Args:
        source: its settings.
        listed: the pictures.
        kept: the number of each among those that were decoded, [N].
    """
    labels = read_labels(source, listed)
    table, place = listed.table, listed.place
    names = table.column_names
    if source.split.column is not None:
        check_columns(names, [source.split.column], f"{source.split.slot}.column", "dataset")
    cells = table.column
    dealt = deal(source.split, listed.given, cells, place, labels.strata, labels.classes)
    labels.check(dealt.rows["train"])
    labels.read_weights(table, place)
    if source.split.by == "fraction" and "test" in dealt.drawn:
        others = [name for name in names if name not in (*labels.columns(), listed.column, CLASS)]
        dealt.facts.update(remarks_on(others, cells))
    own = "" if source.slot == "dataset" else source.name
    notes = [*lines_of(dealt.facts, own), *labels.notes(dealt.rows["train"])]
    return Labelled(labels, dealt.rows, kept, dealt.drawn, dealt.facts, notes)
