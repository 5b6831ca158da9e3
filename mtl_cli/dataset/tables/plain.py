"""A table's rows for learners that are no networks: plain numbers and codes, NaN where missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mtl_cli.dataset.columns.column import Column


@dataclass(frozen=True)
class PlainTable:
    """The train rows of a table, and how any row of it becomes plain.

    Args:
        columns: of a row, in this order.
        rows: of the train split, as the model reads them, [N, ...].
        targets: ``{task: their labels}``, [N, ...].
        weights: ``{task: how much each row counts}``, [N]; for the others each counts 1.
        most: up to how many labels x classes, in all, there are to be learners.
    """

    columns: Sequence[Column]
    rows: Tensor
    targets: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    most: int

    def features(self, rows: Tensor) -> np.ndarray:
        """``[B, F]`` of the model's rows [B, N + C]: no flags, and NaN for what is missing."""
        values = rows.cpu().double().numpy()
        widths = [column.num_numbers or len(column.sizes) for column in self.columns]
        parts = np.split(values, np.cumsum(widths)[:-1], axis=1)
        return np.hstack([c.plain(part) for c, part in zip(self.columns, parts, strict=True)])

    def are_categories(self, most: int) -> list[bool]:
        """Which columns of `features` are codes, of at most so many categories."""
        found: list[bool] = []
        for column in self.columns:
            few = [size - 1 <= most for size in column.sizes]
            found += few or [False] * column.plain(np.zeros((1, column.num_numbers))).shape[1]
        return found
