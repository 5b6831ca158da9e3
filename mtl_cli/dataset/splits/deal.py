"""Which rows train, which select and which test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.splits.drawing import Drawing
from mtl_cli.dataset.splits.facts import facts_of
from mtl_cli.dataset.splits.groups import check_apart, groups_of
from mtl_cli.dataset.splits.named import WORDS, read_splits
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.splits.rare import mend
from mtl_cli.dataset.splits.times import moments_of

Cells = Callable[[str], Any]  # a column's name -> its cells, an Arrow array


@dataclass(frozen=True)
class Dealt:
    """The rows of each split.

    Args:
        rows: ``{split: its rows, in order}``.
        drawn: the splits whose rows the seed draws.
        facts: what each split was dealt; see `facts_of`.
    """

    rows: dict[str, np.ndarray]
    drawn: list[str]
    facts: dict[str, Any]


def deal(
    options: SplitOptions,
    given: np.ndarray,
    cells: Cells,
    place: Place,
    strata: np.ndarray | None,
    classes: Sequence[np.ndarray],
) -> Dealt:
    """Deals rows by a file, then by what a column says; a split that no row is named for is taken
    from the rows of train, as the options say.

    Args:
        options: how.
        given: by row, the split that its file is for, or "" where it is for none, [N].
        cells: gives the column that the options name.
        place: where the rows are from.
        strata: what a draw keeps in proportion, the class of each row, [N], -1 where it is missing;
            None: no classes.
        classes: the same of each target; a draw leaves train a row of each class.

    Raises:
        ValueError: where the column does not say what it should, or no row is left for train.
    """
    named = np.where(given == "", "train", given).astype("<U5")
    by, slot = options.by, options.slot
    column: Any = None if options.column is None else cells(options.column)
    if by == "column":
        free = np.flatnonzero(given == "")
        own = column.take(free)
        for split, rows in read_splits(own, lambda i: place(int(free[i])), slot).items():
            named[free[rows]] = split
    if options.folds is not None:
        check_no_files(given, slot)
    train = np.flatnonzero(named == "train")
    groups = groups_of(column, place, slot) if by == "group" else None
    number = len(train) if groups is None else len(np.unique(groups[train]))
    wanted = [split for split in ("val", "test") if not (named == split).any()]
    shares = {"val": 0.0, "test": 0.0}
    for split in wanted:
        shares[split] = options.share(split, number)
    if sum(shares.values()) > 0.95:
        rule, found = "must leave rows to train on", f"{options.val} val, {options.test} test"
        raise problem(slot, rule, found, f"{slot}.val=0.1 {slot}.test=0.2")
    drawing, moments = Drawing(options, shares, wanted), None
    if groups is not None:
        taken = drawing.by_group(groups[train])
    elif by == "time":
        moments = moments_of(column, place, slot, options.date_format)
        taken = drawing.by_time(moments.take(train))
    else:
        taken = drawing.by_class(len(train), None if strata is None else strata[train])
    named[train] = ""
    for split, rows in taken.items():
        named[train[rows]] = split
    if by in ("fraction", "column"):
        movable = np.zeros(len(named), dtype=bool)
        movable[train] = True
        movable &= (named != "test") | (options.folds is None)  # each row is tested once
        mend(named, movable, classes, strata, options.seed)
    if groups is not None:
        check_apart(groups, named, encode(column)[1], slot)
    drawn = [split for split, share in shares.items() if share and by != "time"]
    parts = {split: np.flatnonzero(named == split) for split in WORDS}
    return Dealt(parts, drawn, facts_of(options, parts, groups, moments))


def check_no_files(given: np.ndarray, slot: str) -> None:
    """Refuses folds of rows of which some are of one split alone."""
    if (given != "").any():
        rule = "must be null where files are for one split"
        found = f"{int((given != '').sum()):,} rows of such files"
        raise problem(f"{slot}.folds", rule, found, f"{slot}.folds=null, or one file for all rows")
