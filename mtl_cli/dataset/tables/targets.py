"""The targets of a table: which columns they are, and what their labels stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.label_checks import check_train_targets, labelled
from mtl_cli.dataset.columns.labels import NUMBERS
from mtl_cli.dataset.columns.numbers import read_weights
from mtl_cli.dataset.columns.sample_space import space_columns, space_of, spaces_first
from mtl_cli.dataset.columns.target import CLASSES, Target, only_in_group, task_names
from mtl_cli.dataset.columns.target_options import TargetOptions
from mtl_cli.dataset.columns.unseen import counted, unseen_labels, unseen_note
from mtl_cli.dataset.files.cells import encode, sort_names
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.tables.learned_target import learn
from mtl_cli.dataset.tables.target_notes import about

if TYPE_CHECKING:
    import pyarrow


class TableTargets:
    """Turns columns into targets.

    Args:
        said: ``{target: what the config says of it}``.
        task_column, weight_column: see `Table`.

    Attributes:
        known: how each target is read, after `read`, as all that follows.
        labels: ``{target: all its labels}``.
        targets: ``{task: all its labels}``: a target is one task, or one for each group of rows.
        weights: ``{task: how much each row counts}``, after `read_weights`, where it is said.
        groups: ``{task: (the target that it is a part of, the group)}``, where there are groups.
        strata: what a split keeps in proportion, [N]: the groups, else the classes of the first
            target that has some; None: nothing.
        classes: of each target that has some, the class of each row, [N], -1 where it is missing.
        unseen: ``{target: {class without a row in train: its labels}}``, after `check`.
    """

    def __init__(
        self, said: Mapping[str, TargetOptions], task_column: str | None, weight_column: str | None
    ) -> None:
        self.said = dict(said)
        self.task_column = task_column
        self.weight_column = weight_column
        self.known: dict[str, Target] = {}
        self.labels: dict[str, Tensor] = {}
        self.weights: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.groups: dict[str, tuple[str, str]] = {}
        self.strata: np.ndarray | None = None
        self.classes: list[np.ndarray] = []
        self.unseen: dict[str, dict[str, int]] = {}

    def columns(self) -> set[str]:
        """Every column that says something of a target, and so is no input."""
        own = [name for target in self.said.values() for name in [*target.made_of(), target.weight]]
        own += [*space_columns(self.said), self.task_column, self.weight_column]
        return {name for name in own if name is not None}

    def text_columns(self) -> list[str]:
        """Those of them whose cells are names."""
        named = [
            column
            for target in self.said.values()
            for column in target.made_of()
            if target.kind not in NUMBERS or target.map is not None
        ]
        named += space_columns(self.said)
        return named if self.task_column is None else [*named, self.task_column]

    def read(self, table: pyarrow.Table, place: Place) -> None:
        """Makes the targets of all rows.

        Raises:
            ValueError: where a column is not there, or its labels are none of the task's kind.
        """
        there = table.column_names
        for option in ("task_column", "weight_column"):
            if (column := getattr(self, option)) is not None:
                check_columns(there, [column], f"dataset.{option}", "dataset")
        found: dict[str, Target] = {}
        for said in spaces_first(self.said):
            check_columns(there, said.made_of(), f"the column of {said.slot}", "dataset")
            if said.weight is not None:
                check_columns(there, [said.weight], f"{said.slot}.weight", "dataset")
            if said.where is not None:
                check_columns([*there, *found], [said.where], f"{said.slot}.where", "dataset")
            known = learn(said, table, place, self.weight_column)
            found[said.task] = replace(known, where=space_of(said, found, table, place))
        self.known = {task: found[task] for task in self.said}
        self.labels = {task: own.labels(table.column, place) for task, own in self.known.items()}
        self.targets = dict(self.labels)
        self.classes = [
            self.labels[task].nan_to_num(nan=-1).long().numpy()
            for task, said in self.said.items()
            if said.kind in CLASSES
        ]
        if self.task_column is not None:
            self.strata = self.make_groups(table.column(self.task_column), place)
        elif self.classes:
            self.strata = self.classes[0]

    def read_weights(self, table: pyarrow.Table, place: Place) -> None:
        """Reads how much each row counts, for each task that it counts something for."""
        read: dict[str, Tensor] = {}
        for task in self.targets:
            known = self.known[self.patterns.get(task, task)]
            if known.weight is None:
                continue
            if known.weight not in read:
                own = self.said[known.name]
                place_of = f"{own.slot}.weight" if own.weight else "dataset.weight_column"
                cells = table.column(known.weight)
                read[known.weight] = read_weights(known.weight, cells, place, f"{place_of}=null")
            self.weights[task] = read[known.weight]

    def make_groups(self, cells: pyarrow.ChunkedArray, place: Place) -> np.ndarray:
        """Makes each target a task for each value of a column, in which other rows' labels are
        missing; returns the group of each row."""
        codes, groups = encode(cells)
        if (codes < 0).any():
            found = f"a blank cell in {place(int(np.argmax(codes < 0)))}"
            fix = "a column without blank cells"
            raise problem("dataset.task_column", "must say the task of each row", found, fix)
        self.targets = {}
        for name, group in zip(task_names(sort_names(groups)), sort_names(groups), strict=True):
            here = codes == groups.index(group)
            for target, labels in self.labels.items():
                task = name if len(self.labels) == 1 else f"{name}_{target}"
                self.targets[task] = only_in_group(labels, here)
                self.groups[task] = (target, group)
        return codes

    @property
    def patterns(self) -> dict[str, str]:
        """``{task: the target that it is a part of}``, where there are groups."""
        return {task: target for task, (target, _) in self.groups.items()}

    @property
    def class_names(self) -> dict[str, list[str]]:
        """``{task: the names of its classes or labels}``."""
        known = {task: self.known[self.patterns.get(task, task)] for task in self.targets}
        return {task: target.names for task, target in known.items() if target.names}

    @property
    def sizes(self) -> dict[str, int]:
        """``{task: how many outputs it needs}``, of those whose config asks for it."""
        known = {task: self.known[self.patterns.get(task, task)] for task in self.targets}
        return {task: own.size for task, own in known.items() if own.size is not None}

    def check(self, train: np.ndarray) -> None:
        """Refuses targets that do not vary in train.

        A class without a row in train cannot be learned: its labels count as missing. A group's
        task without a label in train is left out.
        """
        at = torch.from_numpy(train)
        for task, target in self.known.items():
            check_train_targets(task, target.kind, target.names, self.labels[task][at])
            labels = self.labels[task]
            unseen = unseen_labels(target.kind, target.names, labels, at)
            self.unseen[task] = counted(labels[unseen], target.names)
            for part in (
                labels,
                *(t for n, t in self.targets.items() if self.patterns.get(n) == task),
            ):
                part[unseen] = -1
        for task in list(self.groups):
            if not len(labelled(self.targets[task][at])):
                del self.targets[task], self.groups[task]

    def notes(self, train: np.ndarray) -> list[str]:
        """What the targets are, a line each."""
        at = torch.from_numpy(train)
        lines = []
        for task, known in self.known.items():
            lines.append(about(known, self.labels[task][at]))
            lines += unseen_note(f"target {task}", self.unseen.get(task, {}))
        if self.task_column is not None:
            shown = list(self.targets)
            few = ", ".join(shown[:10]) + ", ..." * (len(shown) > 10)
            lines.append(f"{len(shown)} tasks by {self.task_column}: {few}")
        return lines
