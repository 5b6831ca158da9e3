"""A table's rows for learners that are no networks: plain numbers and codes, NaN where missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mtl_cli.dataset.columns.features import Category, Number


@dataclass(frozen=True)
class PlainTable:
    """The train rows of a table, and how any row of it becomes plain.

    Args:
        numbers, categories: the columns of a row, in this order.
        rows: of the train split, as the model reads them, [N, ...].
        targets: ``{task: their labels}``, [N, ...].
        weights: ``{task: how much each row counts}``, [N]; for the others each counts 1.
        most: up to how many labels x classes, in all, there are to be learners.
    """

    numbers: Sequence[Number]
    categories: Sequence[Category]
    rows: Tensor
    targets: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    most: int

    def features(self, rows: Tensor) -> np.ndarray:
        """``[B, F]`` of the model's rows [B, N + C]: no flags, and NaN for what is missing."""
        values = rows.cpu().double().numpy()
        columns, at = [], 0
        for number in self.numbers:
            missing = values[:, at + 1] if number.flagged else np.zeros(len(values))
            columns.append(np.where(missing > 0, np.nan, values[:, at]))
            at += 1 + number.flagged
        codes = values[:, at:]
        return np.column_stack([*columns, np.where(codes == 0, np.nan, codes)])

    def are_categories(self, most: int) -> list[bool]:
        """Which columns of `features` are codes, of at most so many categories."""
        few = [len(category.values) <= most for category in self.categories]
        return [False] * len(self.numbers) + few
