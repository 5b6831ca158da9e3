"""The last rows by a column are test, those before them val: what is to come is what is tested."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.splits.times import Moments

Begins = Mapping[str, tuple[float, str]]  # {split: the moment it begins at, and as it was said}


def take_last(
    moments: Moments, val: float, test: float, begins: Begins, slot: str
) -> dict[str, np.ndarray]:
    """The last rows for test, those before them for val. Rows of one moment stay together: a split
    begins at the moment that makes its share nearest to what was asked for, or where it is said.

    Args:
        moments: when each row is, [N].
        val: the share of val, of all N, from 0; at least one moment, unless it is 0.
        test: the share of test, likewise.
        begins: the first moment of a split, in place of its share.
        slot: where the options stand in the config.

    Raises:
        ValueError: where there are too few moments to have one in each split, or none in a split.
    """
    shares = {"test": test, "val": val}
    wanted = [split for split, share in shares.items() if share or split in begins]
    rows = {"train": np.arange(len(moments.values)), "val": np.arange(0), "test": np.arange(0)}
    check_number(np.unique(moments.values), len(wanted), slot)
    for i, split in enumerate(wanted):
        left = rows["train"]
        if split in begins:
            later = since(moments, left, *begins[split], f"{slot}.{split}")
        else:
            values, counts = np.unique(moments.values[left], return_counts=True)
            earlier = len(wanted) - i  # moments that the other splits need
            check_number(values, earlier, slot)
            from_here_on = np.cumsum(counts[::-1])[::-1][earlier:]  # rows of a moment, all later
            nearest = np.argmin(np.abs(from_here_on - round(shares[split] * len(moments.values))))
            later = moments.values[left] >= values[earlier + nearest]
        rows["train"], rows[split] = left[~later], left[later]
    return rows


def since(moments: Moments, rows: np.ndarray, begin: float, said: str, slot: str) -> np.ndarray:
    """Which of some rows are of a moment or later."""
    later = moments.values[rows] >= begin
    if later.all() or not later.any():
        first, last = moments.ends(rows)
        rule = "must leave rows before it to train on, and rows from it on"
        found = f"{said}, and what no other split has is from {first} to {last}"
        middle = np.unique(moments.values[rows])
        at = rows[np.argmax(moments.values[rows] == middle[int(0.8 * len(middle))])]
        raise problem(slot, rule, found, f"'{slot}={moments.said(int(at))}'")
    return later


def check_number(values: np.ndarray, splits: int, slot: str) -> None:
    """Refuses moments of which there is not one for each of some splits, and one before them."""
    if len(values) <= splits:
        rule, found = "must leave earlier rows to train on", f"{len(values)} different moments"
        fix = f"a column that tells more rows apart, or {slot}.by=group"
        raise problem(f"{slot}.column", rule, found, fix)
