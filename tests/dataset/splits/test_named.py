"""A column that says the split of each row is read as people write it."""

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.splits.named import read_splits

SLOT = "dataset.split"


def place(i):
    return f"row {i + 1} of a.csv"


def test_a_column_says_the_split_in_the_words_that_people_use():
    cells = ["train", "Validation", " test", "dev", "training", "val"]
    split = read_splits(cells, place, SLOT)
    assert {name: rows.tolist() for name, rows in split.items()} == {
        "train": [0, 4],
        "val": [1, 3, 5],
        "test": [2],
    }


def test_other_words_and_blanks_are_refused():
    with pytest.raises(Problem, match=r"'holdout' \(2 times, first in row 2 of a\.csv\)"):
        read_splits(["train", "holdout", "holdout"], place, SLOT)
    with pytest.raises(Problem, match=r"1 blank cells, first in row 2"):
        read_splits(["train", ""], place, SLOT)
