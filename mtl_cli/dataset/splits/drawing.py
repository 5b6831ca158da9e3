"""Rows taken for val and test, by classes, groups or times: shares of all rows, or a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtl_cli.dataset.splits.folds import fold_of_groups, fold_of_rows, fold_of_times
from mtl_cli.dataset.splits.fractions import draw_rows
from mtl_cli.dataset.splits.groups import draw_groups
from mtl_cli.dataset.splits.last import take_last
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.splits.times import Moments

Taken = dict[str, np.ndarray]  # {split: its rows}


@dataclass(frozen=True)
class Drawing:
    """Takes rows for val and test.

    Args:
        options: how.
        shares: of val and of test; 0 where a file, a column or a moment says the rows.
        wanted: the splits that no file or column says the rows of.
    """

    options: SplitOptions
    shares: Mapping[str, float]
    wanted: Sequence[str]

    @property
    def seed(self) -> int:
        return self.options.seed

    def by_class(self, num_rows: int, strata: np.ndarray | None) -> Taken:
        """By ``draw_rows``; of a fold, val is drawn of the rows that are left."""
        if self.options.folds is None:
            return draw_rows(num_rows, self.shares["val"], self.shares["test"], self.seed, strata)
        test = fold_of_rows(self.options, num_rows, strata)
        rest = np.setdiff1d(np.arange(num_rows), test)
        share = self.shares["val"] * num_rows / len(rest)
        own = None if strata is None else strata[rest]
        return among(rest, draw_rows(len(rest), share, 0.0, self.seed, own)) | {"test": test}

    def by_group(self, groups: np.ndarray) -> Taken:
        """By ``draw_groups``, likewise."""
        val, slot = self.shares["val"], self.options.slot
        if self.options.folds is None:
            return draw_groups(groups, val, self.shares["test"], self.seed, slot)
        test = fold_of_groups(self.options, groups)
        rest = np.setdiff1d(np.arange(len(groups)), test)
        share = val * len(np.unique(groups)) / len(np.unique(groups[rest]))
        return among(rest, draw_groups(groups[rest], share, 0.0, self.seed, slot)) | {"test": test}

    def by_time(self, moments: Moments) -> Taken:
        """By ``take_last``; of a fold, val is the last share of the rows before its test rows."""
        val, slot = self.shares["val"], self.options.slot
        said = {split: getattr(self.options, split) for split in self.wanted}
        begins = {
            split: (moments.of(own, f"{slot}.{split}"), own)
            for split, own in said.items()
            if isinstance(own, str)
        }
        if self.options.folds is None:
            return take_last(moments, val, self.shares["test"], begins, slot)
        earlier, test = fold_of_times(self.options, moments.values, 1 + bool(val))
        val = self.options.share("val", len(earlier)) if val else 0.0
        own = take_last(moments.take(earlier), val, 0.0, {}, slot)
        return among(earlier, own) | {"test": test}


def among(rows: np.ndarray, taken: Taken) -> Taken:
    """What was taken of some rows, in the numbers of all."""
    return {split: rows[own] for split, own in taken.items()}
