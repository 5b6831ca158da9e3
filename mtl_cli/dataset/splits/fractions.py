"""Rows that are drawn for val and test: shares of all rows, in proportion to the classes."""

from __future__ import annotations

import numpy as np


def draw_rows(
    num_rows: int, val: float, test: float, seed: int, strata: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Draws the rows of val and test.

    Each class's rows, in random order, lie one after the other, and every so many-th one is drawn:
    so a split has its share of all rows and, to within one row, of each class. The first row of
    each class is always train's. (scikit-learn's stratified split refuses a class of one row.)

    Args:
        num_rows: N.
        val: the share of val, of all N, from 0.
        test: the share of test, likewise.
        seed: of the draw.
        strata: the class of each row, [N], -1 where it is missing; None: no classes.
    """
    order = np.random.default_rng(seed).permutation(num_rows)
    left = order
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
        first = np.append(True, np.diff(strata[order]) != 0)
        left = order[~first]
    rows = {"train": np.ones(num_rows, dtype=bool)}
    for split, share in (("test", test), ("val", val)):
        wanted = min(round(share * num_rows), len(left))
        drawn = ((np.arange(wanted) + 0.5) * len(left) / max(wanted, 1)).astype(np.int64)
        rows[split] = np.zeros(num_rows, dtype=bool)
        rows[split][left[drawn]] = True
        left = np.delete(left, drawn)
        rows["train"] &= ~rows[split]
    return {split: np.flatnonzero(rows[split]) for split in ("train", "val", "test")}
