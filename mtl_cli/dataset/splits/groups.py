"""Rows of one value of a column stay together: a patient, a user, a document is in one split alone.

Where rows of a group are alike, a model that has seen some of them is tested on what it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.parts import Place


def groups_of(cells: Any, place: Place, slot: str) -> np.ndarray:
    """The number of each row's group, [N].

    Raises:
        ValueError: where a cell is blank.
    """
    codes, _ = encode(cells)
    if (codes < 0).any():
        row = place(int(np.argmax(codes < 0)))
        found = f"{int((codes < 0).sum())} blank cells, first in {row}"
        raise problem(f"{slot}.column", "must say the group of each row", found, "fill them")
    return codes


def draw_groups(
    groups: np.ndarray, val: float, test: float, seed: int, slot: str
) -> dict[str, np.ndarray]:
    """Draws the groups of val and test, by scikit-learn's ``GroupShuffleSplit``.

    Args:
        groups: the group of each row, [N].
        val: the share of val, of all groups, from 0; at least one group, unless it is 0.
        test: the share of test, likewise.
        seed: of the draw.
        slot: where the options stand in the config.

    Raises:
        ValueError: where there are too few groups to have one in each split.
    """
    from sklearn.model_selection import GroupShuffleSplit

    number = len(np.unique(groups))
    wanted = {
        split: max(1, round(share * number)) if share else 0
        for split, share in (("test", test), ("val", val))
    }
    if sum(wanted.values()) >= number:
        rule = "must have a group for each split"
        found = f"{number} different cells for train and {wanted['val']} of val, "
        found += f"{wanted['test']} of test"
        fix = f"a column of more groups, or {slot}.by=fraction {slot}.column=null"
        raise problem(f"{slot}.column", rule, found, fix)
    rows = {"train": np.arange(len(groups)), "val": np.arange(0), "test": np.arange(0)}
    for split, count in wanted.items():
        if count:
            left = rows["train"]
            draw = GroupShuffleSplit(1, test_size=count, random_state=seed)
            [(others, drawn)] = draw.split(left, groups=groups[left])
            rows["train"], rows[split] = left[others], left[drawn]
    return rows


def check_apart(groups: np.ndarray, named: np.ndarray, names: Sequence[str], slot: str) -> None:
    """Refuses groups whose rows stand in files for different splits.

    Args:
        groups: the group of each row, [N].
        named: its split.
        names: of the groups.
        slot: where the options stand in the config.
    """
    splits = [set(np.unique(groups[named == split])) for split in ("train", "val", "test")]
    shared = (splits[0] & splits[1]) | (splits[0] & splits[2]) | (splits[1] & splits[2])
    if shared:
        rule = "must be in one split alone, as by=group promises"
        found = f"{names[min(shared)]!r} in files for different ones"
        found += f", and {len(shared) - 1:,} more groups" * (len(shared) > 1)
        fix = f"one file for all rows, or {slot}.by=fraction {slot}.column=null"
        raise problem(f"each group of {slot}.column", rule, found, fix)
