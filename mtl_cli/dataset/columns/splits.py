"""Which rows train, select and test: by fractions, in proportion to the classes, or by a column."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtl_cli.basis.errors import check_integer, check_number, problem
from mtl_cli.dataset.columns.label_checks import unmapped
from mtl_cli.dataset.files.cells import SeenLabels, encode
from mtl_cli.dataset.files.parts import Place

WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
Split = dict[str, np.ndarray]  # {split: its rows, in order}


def split_rows(
    num_rows: int,
    val_fraction: float,
    test_fraction: float,
    seed: int,
    strata: np.ndarray | None,
    slot: str,
) -> Split:
    """Draws the rows of val and test.

    Each class's rows, in random order, lie one after the other, and every so many-th one is drawn:
    so a split has its share of all rows and, to within one row, of each class. The first row of
    each class is always train's. (scikit-learn's stratified split refuses a class of one row.)

    Args:
        num_rows: N.
        val_fraction: the share of val, of all N, from 0.
        test_fraction: the share of test, likewise.
        seed: of the draw.
        strata: the class of each row, [N], -1 where it is missing; None: no classes.
        slot: where the fractions stand in the config.
    """
    check_number(f"{slot}.val_fraction", val_fraction, f"{slot}.val_fraction=0.1", 0, 0.9)
    check_number(f"{slot}.test_fraction", test_fraction, f"{slot}.test_fraction=0.1", 0, 0.9)
    check_integer(f"{slot}.seed", seed, 0, f"{slot}.seed=0")
    if val_fraction + test_fraction > 0.95:
        rule, found = "must leave rows to train on", f"{val_fraction} val, {test_fraction} test"
        fix = f"{slot}.val_fraction=0.1 {slot}.test_fraction=0.2"
        raise problem(f"the fractions of {slot}", rule, found, fix)
    order = np.random.default_rng(seed).permutation(num_rows)
    left = order
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
        first = np.append(True, np.diff(strata[order]) != 0)
        left = order[~first]
    rows = {"train": np.ones(num_rows, dtype=bool)}
    for split, fraction in (("test", test_fraction), ("val", val_fraction)):
        wanted = min(round(fraction * num_rows), len(left))
        drawn = ((np.arange(wanted) + 0.5) * len(left) / max(wanted, 1)).astype(np.int64)
        rows[split] = np.zeros(num_rows, dtype=bool)
        rows[split][left[drawn]] = True
        left = np.delete(left, drawn)
        rows["train"] &= ~rows[split]
    return {split: np.flatnonzero(rows[split]) for split in ("train", "val", "test")}


def split_by_column(cells: Any, place: Place, slot: str) -> Split:
    """The rows of each split by a column that says train, val or test.

    Raises:
        ValueError: where a cell says something else.
    """
    codes, labels = encode(cells)
    known = {word: split for split, words in WORDS.items() for word in words}
    unknown = [label for label in labels if label.lower() not in known]
    if unknown:
        seen = SeenLabels()
        seen.add(cells, place)
        thing, rule = f"each cell of {slot}.split_column", "must be train, val or test"
        raise unmapped(thing, unknown, seen, rule, f"one of them, or {slot}.split_column=null")
    if (codes < 0).any():
        row = place(int(np.argmax(codes < 0)))
        found = f"{int((codes < 0).sum())} blank cells, first in {row}"
        raise problem(f"{slot}.split_column", "must say a split in each row", found, "fill them")
    named = np.array([known[label.lower()] for label in labels])[codes]
    return {split: np.flatnonzero(named == split) for split in WORDS}


def draw_missing(
    named: np.ndarray,
    val_fraction: float,
    test_fraction: float,
    seed: int,
    strata: np.ndarray | None,
    slot: str,
) -> Split:
    """The rows of each split; val and test, where no row is theirs, drawn from those of train.

    Args:
        named: the split of each row, [N].
        val_fraction, test_fraction: shares of the train rows.
        seed, strata, slot: see `split_rows`.
    """
    train = np.flatnonzero(named == "train")
    drawn = split_rows(
        len(train),
        0.0 if (named == "val").any() else val_fraction,
        0.0 if (named == "test").any() else test_fraction,
        seed,
        None if strata is None else strata[train],
        slot,
    )
    named = named.astype("<U5")
    for split, rows in drawn.items():
        named[train[rows]] = split
    return {split: np.flatnonzero(named == split) for split in WORDS}
