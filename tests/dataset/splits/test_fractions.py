"""Fractions that are drawn keep every row once, their shares, and the classes in proportion."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.dataset.splits.fractions import draw_rows

CLASSES = st.lists(st.integers(-1, 4), min_size=1, max_size=200).map(np.array)
SHARES = st.tuples(st.floats(0, 0.4), st.floats(0, 0.4))


@settings(deadline=None)
@given(CLASSES, SHARES, st.booleans(), st.integers(0, 9))
def test_every_row_is_in_one_split_of_the_size_that_was_said(strata, shares, stratify, seed):
    n = len(strata)
    split = draw_rows(n, *shares, seed, strata if stratify else None)
    assert sorted(np.concatenate(list(split.values()))) == list(range(n))
    assert all((np.diff(rows) > 0).all() for rows in split.values())
    classes = len(set(strata)) if stratify else 0
    assert len(split["test"]) == min(round(shares[1] * n), n - classes)
    assert len(split["val"]) == min(round(shares[0] * n), n - classes - len(split["test"]))


@settings(deadline=None)
@given(CLASSES, SHARES, st.integers(0, 9))
def test_splits_are_in_proportion_to_the_classes_and_train_has_all(strata, shares, seed):
    split = draw_rows(len(strata), *shares, seed, strata)
    classes, sizes = np.unique(strata, return_counts=True)
    assert set(strata[split["train"]]) == set(classes)
    free = len(strata) - len(classes)  # the first of each class is train's
    for name in ("val", "test"):
        for c, size in zip(classes, sizes, strict=True):
            expected = len(split[name]) * (size - 1) / max(free, 1)
            assert abs((strata[split[name]] == c).sum() - expected) < 2


def test_a_split_is_its_seeds():
    draws = [draw_rows(100, 0.1, 0.2, seed, None) for seed in (0, 0, 1)]
    assert np.array_equal(draws[0]["test"], draws[1]["test"])
    assert not np.array_equal(draws[0]["test"], draws[2]["test"])


def test_every_row_is_drawn_alike():
    strata = np.arange(30) % 2
    counts = np.zeros(30)
    for seed in range(400):
        counts[draw_rows(30, 0.2, 0.2, seed, strata)["val"]] += 1
    assert counts.sum() == 400 * 6
    assert abs(counts - 80).max() < 40  # five deviations of a binomial
