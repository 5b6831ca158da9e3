"""Rows of a table as a model reads them, from its own data or from new files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.dataset.columns.column import Column
from mtl_cli.dataset.columns.numbers import read_weights
from mtl_cli.dataset.columns.part import Part
from mtl_cli.dataset.columns.target import Target, only_in_group
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.nested import check_nested
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part as RowsOfFile
from mtl_cli.dataset.files.parts import Place, place_among
from mtl_cli.dataset.files.read import CHUNK_ROWS, read_parts
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.dataset.readers.parts import RowAndParts
from mtl_cli.dataset.readers.unseen import Unseen
from mtl_cli.dataset.tables.grouping import Known, groups_in
from mtl_cli.dataset.tables.join import Join
from mtl_cli.dataset.tables.joined import lookups
from mtl_cli.dataset.tables.read import as_numbers
from mtl_cli.dataset.tables.types import column_of, column_state

if TYPE_CHECKING:
    import pyarrow

INPUT = "row"
OPTIONS = ("delimiter", "header", "names", "encoding", "quote", "on_bad_row")

FILES_AT_ONCE = 1024  # rows that are read together where each names a file, which is read too


class TableReader(Reader):
    """Puts the columns of a row together: numbers, codes of categories, lists of such, and beside
    these the columns that are parts of the input of their own.

    Args:
        columns: what was learned of each column that is read.
        options: how new files are read.
        targets: ``{target: how its labels are read}``.
        task_column: says the group of a row, where each group is a task; else None.
        groups: ``{task: (its target, its group)}``, where there are groups.
        writing: how numbers of targets and weights are written; see `Writing`.
        group_columns: those that say the group of a row, for metrics within groups.
        joins: the files that are joined to each row.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        options: Mapping[str, Any],
        targets: Mapping[str, Target],
        task_column: str | None,
        groups: Mapping[str, Sequence[str]],
        writing: Mapping[str, Any],
        group_columns: Sequence[str] = (),
        joins: Sequence[Join] = (),
    ) -> None:
        self.columns = sorted(
            columns, key=lambda c: 4 * isinstance(c, Part) + 2 * c.is_list + bool(c.sizes)
        )  # stable
        self.options = {name: options[name] for name in OPTIONS}
        self.targets = dict(targets)
        self.task_column = task_column
        self.groups = {task: list(group) for task, group in groups.items()}
        self.writing = Writing(**writing)
        self.group_columns = list(group_columns)
        self.joins = list(joins)
        self.parts = RowAndParts(self.columns)
        self.inputs: dict[str, InputSpec] = {INPUT: self.parts.spec}

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        groups = {task: self.groups.get(task, (task, None)) for task in tasks}
        shown = [] if tasks else [column.name for column in self.columns if column.is_shown]
        used = [column for column in self.columns if column.name in shown or not column.is_shown]
        carried = self.group_columns if tasks else []
        known: Known = {}
        unseen = Unseen()
        for part, table, place in self.tables(path, [column.name for column in used], tasks):
            codes = [column.codes(table.column(column.name), place) for column in used]
            rows = self.parts.prepared(cast(Examples, self.parts.examples(len(table), codes)))
            for column, values in zip(used, codes, strict=True):
                arrays = [code for code in values if isinstance(code, np.ndarray)]
                known_of = arrays[1:] if isinstance(column, Part) else arrays  # which rows have it
                if column.knows and not (known_of and all(code.all() for code in known_of)):
                    unseen.add(column, table.column(column.name))
            names = {"file": [part.file.name] * len(table), "row": np.array(part.numbers())}
            names |= {self.shown_as(name): table.column(name).combine_chunks() for name in shown}
            targets = {
                task: self.labels(target, group, table, place)
                for task, (target, group) in groups.items()
            }
            weights = self.weights(groups, table, place)
            own_groups = groups_in(table, carried, place, known)
            whole = NewExamples(names, {INPUT: rows}, targets, weights, (), own_groups)
            yield from whole.batches(batch_size)
        unseen.warn(path)

    def tables(
        self, path: Path, columns: Sequence[str], tasks: Collection[str] = ()
    ) -> Iterator[tuple[RowsOfFile, pyarrow.Table, Place]]:
        """The rows of a path, part by part, with what is joined to them; and where each is from.

        Args:
            path: a file, a folder, or a glob.
            columns: those that are read.
            tasks: those whose labels, weights and groups are read too.
        """
        options = ReadOptions("input", **self.options)
        groups = {task: self.groups.get(task, (task, None)) for task in tasks}
        wanted = list(columns)
        for target in (self.targets[target] for target, _ in groups.values()):
            wanted += target.read_from() + ([] if target.weight is None else [target.weight])
        wanted += [self.task_column] if tasks and self.task_column else []
        wanted += self.group_columns if tasks else []
        numbers = self.number_columns(groups)
        marks = {column.name: vars(column).get("decimal") for column in self.columns}
        options.written = {name: mark for name, mark in marks.items() if mark}
        options.written |= dict.fromkeys(numbers, self.writing.decimal)
        plain = [c.name for c in self.columns if not c.sizes and not isinstance(c, Part)]
        typed = [*numbers, *plain]
        typed = [name for name in typed if name not in {join.column for join in self.joins}]
        options.lists = {own.name: vars(own)["split"] for own in self.columns if own.is_list}
        options.paths = {own.name: vars(own)["root"] for own in self.columns if own.of_files}
        files, own = lookups(self.joins, wanted, options, typed)
        at_once = FILES_AT_ONCE if options.paths else CHUNK_ROWS
        for part in read_parts(path, options, own, at_once, typed=typed):
            check_nested(part, options.lists, options)
            place, table = place_among([part]), part.table
            for file in files:
                table = file.beside(table)
            yield part, as_numbers(table, place, numbers, self.writing), place

    def shown_as(self, name: str) -> str:
        """What a column is called beside predictions, among which it may not be one of them."""
        taken = {"file", "row", *self.targets, *self.groups}
        return f"id.{name}" if name in taken else name

    def number_columns(self, groups: Mapping[str, Sequence[Any]]) -> list[str]:
        """Columns of targets and weights that are numbers, written in a way of their own."""
        if self.writing.is_plain:
            return []
        targets = [self.targets[target] for target, _ in groups.values()]
        numbers = [t for t in targets if t.label_map is None and t.kind != "multilabel"]
        own = [column for target in numbers for column in target.columns]
        own += [target.weight for target in targets if target.weight is not None]
        return list(dict.fromkeys(own))

    def weights(
        self, groups: Mapping[str, Sequence[Any]], table: pyarrow.Table, place: Place
    ) -> dict[str, Tensor]:
        """How much each row counts for the tasks, where it is said."""
        columns = {task: self.targets[target].weight for task, (target, _) in groups.items()}
        fix = "a number of at least 0 in each row"
        read = {
            column: read_weights(column, table.column(column), place, fix)
            for column in set(columns.values())
            if column is not None
        }
        return {task: read[column] for task, column in columns.items() if column is not None}

    def labels(self, target: str, group: str | None, table: pyarrow.Table, place: Place) -> Tensor:
        """A target's labels; of a group alone, where there are groups."""
        labels = self.targets[target].labels(table.column, place, new=True)
        if self.task_column is None:
            return labels
        codes, names = encode(table.column(self.task_column))
        return only_in_group(labels, codes == (names.index(group) if group in names else -2))

    def state(self) -> dict[str, Any]:
        return {
            "columns": [column_state(column) for column in self.columns],
            "options": self.options,
            "targets": {name: target.state() for name, target in self.targets.items()},
            "task_column": self.task_column,
            "groups": self.groups,
            "writing": vars(self.writing),
            "group_columns": self.group_columns,
            "joins": [asdict(join) for join in self.joins],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TableReader:
        columns = [column_of(column) for column in state["columns"]]
        targets = {name: Target.from_state(target) for name, target in state["targets"].items()}
        state = state | {"joins": [Join(**own) for own in state["joins"]]}
        names = ("task_column", "groups", "writing", "group_columns", "joins")
        return cls(columns, state["options"], targets, *(state[name] for name in names))
