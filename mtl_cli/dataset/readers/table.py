"""Rows of a table as a model reads them, from its own data or from new files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.inputs import Dense, InputSpec, Row
from mtl_cli.dataset.columns.features import Category, Number, read_weights
from mtl_cli.dataset.columns.target import Target, only_in_group
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.parts import Place, ReadOptions, place_among
from mtl_cli.dataset.files.read import CHUNK_ROWS, read_parts
from mtl_cli.dataset.readers.base import NewExamples, Reader

if TYPE_CHECKING:
    import pyarrow

INPUT = "row"
OPTIONS = ("delimiter", "header", "columns", "encoding", "quote", "on_bad_row")


class TableReader(Reader):
    """Puts the columns of a row together: all numbers, then the codes of all categories.

    Args:
        columns: what was learned of each column that is read.
        options: how new files are read.
        targets: ``{target: how its labels are read}``.
        task_column: says the group of a row, where each group is a task; else None.
        groups: ``{task: (its target, its group)}``, where there are groups.
        weight_column: says how much a row counts in the losses; None: all the same.
    """

    def __init__(
        self,
        columns: Sequence[Number | Category],
        options: Mapping[str, Any],
        targets: Mapping[str, Target],
        task_column: str | None,
        groups: Mapping[str, Sequence[str]],
        weight_column: str | None,
    ) -> None:
        self.numbers = [column for column in columns if isinstance(column, Number)]
        self.categories = [column for column in columns if isinstance(column, Category)]
        self.columns: list[Number | Category] = [*self.numbers, *self.categories]
        self.options = {name: options[name] for name in OPTIONS}
        self.targets = dict(targets)
        self.task_column = task_column
        self.groups = {task: list(group) for task, group in groups.items()}
        self.weight_column = weight_column
        self.num_numbers = sum(1 + column.flagged for column in self.numbers)
        sizes = tuple(len(column.values) + 1 for column in self.categories)
        spec = Row(self.num_numbers, sizes) if sizes else Dense((self.num_numbers,))
        self.inputs: dict[str, InputSpec] = {INPUT: spec}

    def rows(self, num_rows: int, codes: Iterable[list[np.ndarray]]) -> Tensor:
        """The rows [B, N + C], of the numbers or codes of each of ``columns``, in order."""
        rows = np.empty((self.num_numbers + len(self.categories), num_rows), np.float32)
        for i, values in enumerate(chain.from_iterable(codes)):
            rows[i] = values
        return torch.from_numpy(rows).T.contiguous()

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        options = ReadOptions("input", **self.options)
        groups = {task: self.groups.get(task, (task, None)) for task in tasks}
        wanted = [column.name for column in self.columns]
        wanted += [name for target, _ in groups.values() for name in self.targets[target].columns]
        wanted += [name for name in (self.task_column, self.weight_column) if tasks and name]
        for part in read_parts(path, options, list(dict.fromkeys(wanted)), CHUNK_ROWS):
            table, place = part.table, place_among([part])
            codes = (own.codes(table.column(own.name), place) for own in self.columns)
            rows = self.rows(len(table), codes)
            names = {"file": [part.file.name] * len(table), "row": np.array(part.numbers())}
            targets = {
                task: self.labels(target, group, table, place)
                for task, (target, group) in groups.items()
            }
            weights = self.weights(targets, table, place)
            yield from NewExamples(names, {INPUT: rows}, targets, weights).batches(batch_size)

    def weights(
        self, tasks: Collection[str], table: pyarrow.Table, place: Place
    ) -> dict[str, Tensor]:
        """How much each row counts for the tasks, where it is said."""
        if not tasks or self.weight_column is None:
            return {}
        cells = table.column(self.weight_column)
        fix = "a number of at least 0 in each row"
        return dict.fromkeys(tasks, read_weights(self.weight_column, cells, place, fix))

    def labels(self, target: str, group: str | None, table: pyarrow.Table, place: Place) -> Tensor:
        """A target's labels; of a group alone, where there are groups."""
        labels = self.targets[target].labels(table.column, place, new=True)
        if self.task_column is None:
            return labels
        codes, names = encode(table.column(self.task_column))
        return only_in_group(labels, codes == (names.index(group) if group in names else -2))

    def state(self) -> dict[str, Any]:
        return {
            "numbers": [asdict(column) for column in self.numbers],
            "categories": [asdict(column) for column in self.categories],
            "options": self.options,
            "targets": {name: target.state() for name, target in self.targets.items()},
            "task_column": self.task_column,
            "groups": self.groups,
            **({} if self.weight_column is None else {"weight_column": self.weight_column}),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TableReader:
        numbers = [Number(**column) for column in state["numbers"]]
        categories = [Category(**column) for column in state["categories"]]
        targets = {name: Target.from_state(target) for name, target in state["targets"].items()}
        return cls(
            [*numbers, *categories],
            state["options"],
            targets,
            state["task_column"],
            state["groups"],
            state.get("weight_column"),
        )
