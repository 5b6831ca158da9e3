"""A class of any target with a row has one in train, where rows are drawn.

A draw in proportion to one target's classes may take all rows of another's rare class out of train
(Sechidis, Tsoumakas & Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011, begin
with the rarest for that reason). Here a draw that lacks nothing stays as it is, and one that lacks
a class is mended by as few rows as that takes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mend(
    named: np.ndarray,
    movable: np.ndarray,
    classes: Sequence[np.ndarray],
    strata: np.ndarray | None,
    seed: int,
) -> None:
    """Changes rows of val and test with rows of train, so that train has every class it can.

    Rarest classes go first. A row that comes to train is changed for one of its stratum where that
    can be spared, so that splits keep their sizes and proportions; where none can, it just comes.

    Args:
        named: the split of each row, [N]; changed in place.
        movable: whether a row may change its split, [N].
        classes: of each target, the class of each row, [N], -1 where it is missing.
        strata: what the draw kept in proportion, [N]; None: nothing.
        seed: of which rows are changed.
    """
    there = named == "train"
    counts = [np.bincount(own[there & (own >= 0)], minlength=own.max() + 1) for own in classes]
    wanted = [
        (int((own == label).sum()), target, int(label))
        for target, own in enumerate(classes)
        for label in np.unique(own[movable & ~there & (own >= 0)])
        if counts[target][label] == 0
    ]
    if not wanted:
        return
    rng = np.random.default_rng(seed)
    outside = rng.permutation(np.flatnonzero(movable & ~there))
    inside = rng.permutation(np.flatnonzero(movable & there))
    for _, target, label in sorted(wanted):
        if counts[target][label]:
            continue  # another class's row brought it along
        row = int(outside[np.argmax(classes[target][outside] == label)])
        split, named[row] = named[row], "train"
        add(row, 1, classes, counts)
        spared = inside[can_spare(inside, classes, counts)]
        if len(spared):
            alike = 0 if strata is None else int(np.argmax(strata[spared] == strata[row]))
            other = int(spared[alike])
            named[other] = split
            inside = inside[inside != other]
            add(other, -1, classes, counts)


def add(row: int, number: int, classes: Sequence[np.ndarray], counts: Sequence[np.ndarray]) -> None:
    """Counts a row's classes as so many more of train's."""
    for own, count in zip(classes, counts, strict=True):
        if own[row] >= 0:
            count[own[row]] += number


def can_spare(
    rows: np.ndarray, classes: Sequence[np.ndarray], counts: Sequence[np.ndarray]
) -> np.ndarray:
    """Which rows of train are not the last one of a class of theirs."""
    spared = np.ones(len(rows), dtype=bool)
    for own, count in zip(classes, counts, strict=True):
        labels = own[rows]
        spared &= (labels < 0) | (count[labels] > 1)
    return spared
