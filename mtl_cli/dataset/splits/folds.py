"""One of k folds: a part of the rows is test, each row of one fold alone, and the rest trains.

By scikit-learn's ``KFold``, of rows in proportion to the classes (``StratifiedKFold``) or of whole
groups. By time a fold tests on a stretch and trains on all before it, as ``TimeSeriesSplit`` does:
the first stretch is never tested, and what is later than the test rows is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.splits.options import SplitOptions


def fold_of_rows(options: SplitOptions, num_rows: int, strata: np.ndarray | None) -> np.ndarray:
    """The test rows of a fold, in proportion to the classes where there are some.

    Args:
        options: which fold, and the seed of the deal.
        num_rows: N.
        strata: the class of each row, [N]; None: no classes.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    folds = checked(options, num_rows, "rows")
    rows = np.arange(num_rows)
    deal = {"n_splits": folds, "shuffle": True, "random_state": options.seed}
    if strata is None or np.unique(strata, return_counts=True)[1].max() < folds:
        return part(KFold(**deal).split(rows), options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class of fewer rows is not in each fold
        return part(StratifiedKFold(**deal).split(rows, strata), options)


def fold_of_groups(options: SplitOptions, groups: np.ndarray) -> np.ndarray:
    """The test rows of a fold of whole groups.

    Args:
        options: which fold, and the seed of the deal.
        groups: the group of each row, [N].
    """
    from sklearn.model_selection import KFold

    names = np.unique(groups)
    folds = checked(options, len(names), f"groups by {options.column}")
    deal = KFold(folds, shuffle=True, random_state=options.seed).split(names)
    return np.flatnonzero(np.isin(groups, names[part(deal, options)]))


def fold_of_times(
    options: SplitOptions, moments: np.ndarray, before_all: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows before a fold's test rows, and these; rows of one moment stay together.

    Args:
        options: which fold.
        moments: when each row is, [N].
        before_all: how many moments are before all folds, at least.
    """
    values, counts = np.unique(moments, return_counts=True)
    what = f"moments by {options.column}, and {before_all} before them"
    folds = checked(options, len(values) - before_all, what)
    before = np.append(0, np.cumsum(counts))  # rows earlier than each moment, and all
    size = len(moments) // (folds + 1)
    wanted = [len(moments) - size * (folds - i) for i in range(folds + 1)]
    borders = [0]
    for i, rows in enumerate(wanted):
        first = borders[-1] + 1 if i else before_all
        last = len(values) - (folds - i)  # later folds need moments too
        borders.append(first + int(np.argmin(np.abs(before[first : last + 1] - rows))))
    begin, end = borders[options.fold + 1 : options.fold + 3]  # type: ignore[operator]
    at = np.searchsorted(values, moments)
    return np.flatnonzero(at < begin), np.flatnonzero((at >= begin) & (at < end))


def checked(options: SplitOptions, number: int, what: str) -> int:
    """k, once there are as many things to deal."""
    folds = options.folds
    assert folds is not None
    if number < folds:
        rule = f"must be at most the number of {what}"
        fix = f"{options.slot}.folds={number}" if number > 1 else f"{options.slot}.folds=null"
        raise problem(f"{options.slot}.folds={folds}", rule, f"{number}", fix)
    return folds


def part(deal: Iterable[Any], options: SplitOptions) -> np.ndarray:
    """The test rows of the fold that the options name, of scikit-learn's deal."""
    return next(test for i, (_, test) in enumerate(deal) if i == options.fold)
