"""Splits keep every row once, their shares, and the classes in proportion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.columns.splits import draw_missing, split_by_column, split_rows

CLASSES = st.lists(st.integers(-1, 4), min_size=1, max_size=200).map(np.array)
SHARES = st.tuples(st.floats(0, 0.4), st.floats(0, 0.4))


def place(i):
    return f"row {i + 1} of a.csv"


@settings(deadline=None)
@given(CLASSES, SHARES, st.booleans(), st.integers(0, 9))
def test_every_row_is_in_one_split_of_the_size_that_was_said(strata, shares, stratify, seed):
    n = len(strata)
    split = split_rows(n, *shares, seed, strata if stratify else None, "dataset")
    assert sorted(np.concatenate(list(split.values()))) == list(range(n))
    assert all((np.diff(rows) > 0).all() for rows in split.values())
    classes = len(set(strata)) if stratify else 0
    assert len(split["test"]) == min(round(shares[1] * n), n - classes)
    assert len(split["val"]) == min(round(shares[0] * n), n - classes - len(split["test"]))


@settings(deadline=None)
@given(CLASSES, SHARES, st.integers(0, 9))
def test_splits_are_in_proportion_to_the_classes_and_train_has_all(strata, shares, seed):
    split = split_rows(len(strata), *shares, seed, strata, "dataset")
    classes, sizes = np.unique(strata, return_counts=True)
    assert set(strata[split["train"]]) == set(classes)
    free = len(strata) - len(classes)  # the first of each class is train's
    for name in ("val", "test"):
        for c, size in zip(classes, sizes, strict=True):
            expected = len(split[name]) * (size - 1) / max(free, 1)
            assert abs((strata[split[name]] == c).sum() - expected) < 2


def test_a_split_is_its_seeds():
    draws = [split_rows(100, 0.1, 0.2, seed, None, "dataset") for seed in (0, 0, 1)]
    assert np.array_equal(draws[0]["test"], draws[1]["test"])
    assert not np.array_equal(draws[0]["test"], draws[2]["test"])


def test_every_row_is_drawn_alike():
    strata = np.arange(30) % 2
    counts = np.zeros(30)
    for seed in range(400):
        counts[split_rows(30, 0.2, 0.2, seed, strata, "dataset")["val"]] += 1
    assert counts.sum() == 400 * 6
    assert abs(counts - 80).max() < 40  # five deviations of a binomial


def test_a_column_says_the_split_in_the_words_that_people_use():
    cells = ["train", "Validation", " test", "dev", "training", "val"]
    split = split_by_column(cells, place, "dataset")
    assert {name: rows.tolist() for name, rows in split.items()} == {
        "train": [0, 4],
        "val": [1, 3, 5],
        "test": [2],
    }
    with pytest.raises(Problem, match=r"'holdout' \(2 times, first in row 2 of a\.csv\)"):
        split_by_column(["train", "holdout", "holdout"], place, "dataset")
    with pytest.raises(Problem, match=r"1 blank cells, first in row 2"):
        split_by_column(["train", ""], place, "dataset")


def test_only_splits_without_a_row_are_drawn():
    named = np.array(["train"] * 90 + ["test"] * 10)
    split = draw_missing(named, 0.1, 0.5, 0, None, "dataset")
    assert split["test"].tolist() == list(range(90, 100))
    assert len(split["val"]) == 9
    assert split["val"].max() < 90


@pytest.mark.parametrize("fractions", [(0.9, 0.9), (-0.1, 0), (0, 1.5), ("a", 0)])
def test_fractions_that_leave_nothing_are_refused(fractions):
    with pytest.raises(Problem, match="dataset"):
        split_rows(10, *fractions, 0, None, "dataset")
