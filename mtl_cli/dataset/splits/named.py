"""A column that says the split of each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.label_checks import unmapped
from mtl_cli.dataset.files.cells import SeenLabels, encode
from mtl_cli.dataset.files.parts import Place

WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}


def read_splits(cells: Any, place: Place, slot: str) -> dict[str, np.ndarray]:
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
        thing, rule = f"each cell of {slot}.column", "must be train, val or test"
        fix = f"one of them, or '{slot}={{by: fraction, column: null}}'"
        raise unmapped(thing, unknown, seen, rule, fix)
    if (codes < 0).any():
        row = place(int(np.argmax(codes < 0)))
        found = f"{int((codes < 0).sum())} blank cells, first in {row}"
        raise problem(f"{slot}.column", "must say a split in each row", found, "fill them")
    named = np.array([known[label.lower()] for label in labels])[codes]
    return {split: np.flatnonzero(named == split) for split in WORDS}
