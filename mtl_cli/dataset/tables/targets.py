"""The targets of a table: which columns they are, and what their labels stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import check_choice, nearest, problem
from mtl_cli.dataset.columns.label_checks import check_train_targets, labelled
from mtl_cli.dataset.columns.labels import KINDS, make_label_map
from mtl_cli.dataset.columns.target import CLASSES, Target, only_in_group
from mtl_cli.dataset.files.cells import SeenLabels, encode, sort_names
from mtl_cli.dataset.files.parts import Place, check_columns

if TYPE_CHECKING:
    import pyarrow


class TableTargets:
    """Turns columns into targets. See `Table` for the arguments.

    Attributes:
        known: how each target is read, after `read`, as all that follows.
        labels: ``{target: all its labels}``.
        targets: ``{task: all its labels}``: a target is one task, or one for each group of rows.
        groups: ``{task: (the target that it is a part of, the group)}``, where there are groups.
        strata: what a split keeps in proportion, [N]: the groups, else the classes of the first
            target that has some; None: nothing.
    """

    def __init__(
        self,
        targets: Mapping[str, str],
        target_columns: Mapping[str, str],
        label_columns: Mapping[str, Sequence[str]],
        label_maps: Mapping[str, Mapping[Any, Any]],
        task_column: str | None,
    ) -> None:
        if not targets:
            rule = "must name what to predict, each with its kind"
            fix = "'dataset.targets={income: binary, age: regression}'"
            raise problem("dataset.targets", rule, "none", fix)
        for task, kind in targets.items():
            thing = f"dataset.targets.{task}"
            check_choice(thing, kind, KINDS, f"{thing}=regression")
        options: dict[str, Mapping[str, Any]] = {
            "target_columns": target_columns,
            "label_columns": label_columns,
            "label_maps": label_maps,
        }
        for option, values in options.items():
            for task in values:
                if task not in targets:
                    close = nearest(task, list(targets)) or next(iter(targets))
                    rule = f"must be of a target: {', '.join(targets)}"
                    raise problem(f"dataset.{option}", rule, task, f"{close} in its place")
        self.kinds = dict(targets)
        self.columns_of = {
            task: list(label_columns.get(task, ())) or [target_columns.get(task, task)]
            for task in targets
        }
        self.label_maps = label_maps
        self.task_column = task_column
        self.known: dict[str, Target] = {}
        self.labels: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.groups: dict[str, tuple[str, str]] = {}
        self.strata: np.ndarray | None = None

    def columns(self) -> list[str]:
        """Every column that a target is made of."""
        return [column for columns in self.columns_of.values() for column in columns]

    def text_columns(self) -> list[str]:
        """Those of them whose cells are names."""
        return [
            column
            for task, columns in self.columns_of.items()
            for column in columns
            if self.kinds[task] != "regression" or task in self.label_maps
        ]

    def read(self, table: pyarrow.Table, place: Place) -> None:
        """Makes the targets of all rows.

        Raises:
            ValueError: where a column is not there, or its labels are none of the task's kind.
        """
        for task, columns in self.columns_of.items():
            check_columns(table.column_names, columns, f"the column of dataset.targets.{task}")
            self.known[task] = self.learn(task, table, place)
            self.labels[task] = self.known[task].labels(table.column, place)
        self.targets = dict(self.labels)
        classed = [task for task, kind in self.kinds.items() if kind in CLASSES]
        if self.task_column is not None:
            check_columns(table.column_names, [self.task_column], "dataset.task_column")
            self.strata = self.make_groups(table.column(self.task_column), place)
        elif classed:
            self.strata = self.labels[classed[0]].nan_to_num(nan=-1).long().numpy()

    def learn(self, task: str, table: pyarrow.Table, place: Place) -> Target:
        """What is written in the columns of a target, and what it stands for."""
        kind, columns, given = self.kinds[task], self.columns_of[task], self.label_maps.get(task)
        if kind not in CLASSES and given is None:
            return Target(task, kind, columns, None)
        seen = SeenLabels()
        if kind in CLASSES:
            seen.add(table.column(columns[0]), place)
        slot = f"dataset.label_maps.{task}"
        return Target(task, kind, columns, make_label_map(task, kind, seen, given, slot))

    def make_groups(self, cells: pyarrow.ChunkedArray, place: Place) -> np.ndarray:
        """Makes each target a task for each value of a column, in which other rows' labels are
        missing; returns the group of each row."""
        codes, groups = encode(cells)
        if (codes < 0).any():
            found = f"a blank cell in {place(int(np.argmax(codes < 0)))}"
            fix = "a column without blank cells"
            raise problem("dataset.task_column", "must say the task of each row", found, fix)
        self.targets = {}
        for group in sort_names(groups):
            here = codes == groups.index(group)
            for target, labels in self.labels.items():
                task = group if len(self.labels) == 1 else f"{group}_{target}"
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
        return {
            task: len(target.names)
            for task, target in known.items()
            if target.kind in ("multiclass", "multilabel")
        }

    def check(self, train: np.ndarray) -> None:
        """Refuses targets that do not vary in train, or lack a class there.

        A group's task without a label in train is left out.
        """
        at = torch.from_numpy(train)
        for task, target in self.known.items():
            check_train_targets(task, target.kind, target.names, self.labels[task][at])
        for task in list(self.groups):
            if not len(labelled(self.targets[task][at])):
                del self.targets[task], self.groups[task]

    def notes(self, train: np.ndarray) -> list[str]:
        """What the targets are, a line each."""
        at = torch.from_numpy(train)
        lines = []
        for task, known in self.known.items():
            there = labelled(self.labels[task][at])
            about = f"{len(there):,} labels in train"
            if known.kind == "regression":
                about += f", {there.min():g} to {there.max():g}, mean {there.mean():g}"
                about += "; only two values: binary?" * (len(there.unique()) == 2)
            elif known.kind == "multilabel":
                about += f" of {', '.join(known.names)}"
            else:
                counts = torch.bincount(there.long(), minlength=len(known.names)).tolist()
                shown = [f"{n} ({c:,})" for n, c in zip(known.names, counts, strict=True)]
                about += f": {', '.join(shown[:10])}" + ", ..." * (len(shown) > 10)
                about += f"; {known.names[1]} is 1" * (known.kind == "binary")
            lines.append(f"target {task}: {known.kind}, {about}")
        if self.task_column is not None:
            shown = list(self.targets)
            few = ", ".join(shown[:10]) + ", ..." * (len(shown) > 10)
            lines.append(f"{len(shown)} tasks by {self.task_column}: {few}")
        return lines
