"""A table's rows for learners that are no networks: plain numbers and codes, NaN where missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mtl_cli.basis.batch import Fields
from mtl_cli.dataset.columns.column import Column


@dataclass(frozen=True)
class PlainTable:
    """The train rows of a table, and how any row of it becomes plain.

    Args:
        columns: of a row, in this order.
        rows: of the train split, as the model reads them.
        targets: ``{task: their labels}``, [N, ...].
        weights: ``{task: how much each row counts}``, [N]; for the others each counts 1.
        most: up to how many labels x classes, in all, there are to be learners.
    """

    columns: Sequence[Column]
    rows: Tensor | Fields
    targets: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    most: int

    def features(self, rows: Tensor | Fields) -> np.ndarray:
        """``[B, F]`` of the model's rows: no flags, no lists, and NaN for what is missing."""
        both = [rows.numbers, rows.codes] if isinstance(rows, Fields) else [rows]
        values = np.hstack([part.cpu().double().numpy() for part in both])
        columns = [column for column in self.columns if not column.is_list]
        widths = [column.num_numbers or len(column.sizes) for column in columns]
        parts = np.split(values, np.cumsum(widths)[:-1], axis=1)
        return np.hstack([c.plain(part) for c, part in zip(columns, parts, strict=True)])

    def are_categories(self, most: int) -> list[bool]:
        """Which columns of `features` are codes, of at most so many categories."""
        found: list[bool] = []
        for column in (column for column in self.columns if not column.is_list):
            few = [size - 1 <= most for size in column.sizes]
            found += few or [False] * column.plain(np.zeros((1, column.num_numbers))).shape[1]
        return found
