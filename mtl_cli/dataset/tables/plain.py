"""A table's rows for learners that are no networks: plain numbers and codes, NaN where missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mtl_cli.basis.batch import Fields, Joint
from mtl_cli.dataset.columns.column import Column
from mtl_cli.dataset.columns.part import Part

ROW = "row"  # the part of the input that is no column's own


@dataclass(frozen=True)
class PlainTable:
    """The train rows of a table, and how any row of it becomes plain.

    Args:
        columns: of a row, in this order; of lists and of other parts of the input nothing is read.
        rows: of the train split, as the model reads them.
        targets: ``{task: their labels}``, [N, ...].
        weights: ``{task: how much each row counts}``, [N]; for the others each counts 1.
        most: up to how many labels x classes, in all, there are to be learners.
    """

    columns: Sequence[Column]
    rows: Tensor | Fields | Joint
    targets: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    most: int

    @property
    def read(self) -> list[Column]:
        """The columns that are read."""
        return [own for own in self.columns if not own.is_list and not isinstance(own, Part)]

    @property
    def unread(self) -> list[str]:
        """The names of the others."""
        read = self.read
        return [column.name for column in self.columns if column not in read]

    def features(self, rows: Tensor | Fields | Joint) -> np.ndarray:
        """``[B, F]`` of the model's rows: no flags, no lists, and NaN for what is missing."""
        rows = rows.parts[ROW] if isinstance(rows, Joint) else rows
        both = [rows.numbers, rows.codes] if isinstance(rows, Fields) else [rows]
        values = np.hstack([part.cpu().double().numpy() for part in both])
        columns = self.read
        widths = [column.num_numbers or len(column.sizes) for column in columns]
        parts = np.split(values, np.cumsum(widths)[:-1], axis=1)
        return np.hstack([c.plain(part) for c, part in zip(columns, parts, strict=True)])

    def are_categories(self, most: int) -> list[bool]:
        """Which columns of `features` are codes, of at most so many categories."""
        found: list[bool] = []
        for column in self.read:
            few = [size - 1 <= most for size in column.sizes]
            found += few or [False] * column.plain(np.zeros((1, column.num_numbers))).shape[1]
        return found
