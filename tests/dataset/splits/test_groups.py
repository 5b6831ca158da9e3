"""Rows of a group are in one split alone, and groups are drawn as scikit-learn draws them."""

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.splits.groups import check_apart, draw_groups, groups_of

SLOT = "dataset.split"


def place(i):
    return f"row {i + 1} of a.csv"


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 9))
def test_groups_are_apart_and_as_many_as_their_share(cells, seed):
    groups = np.unique(np.array([*cells, 31, 32, 33]), return_inverse=True)[1]
    number = groups.max() + 1
    rows = draw_groups(groups, 0.1, 0.2, seed, SLOT)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(groups)))
    counts = {split: len(set(groups[own])) for split, own in rows.items()}
    assert sum(counts.values()) == number  # so none is in two
    assert counts["val"] == max(1, round(0.1 * number))
    assert counts["test"] == max(1, round(0.2 * number))


def test_test_is_the_draw_of_scikit_learn():
    groups = np.random.default_rng(0).integers(0, 20, 300)
    for seed in range(3):
        draw = GroupShuffleSplit(1, test_size=4, random_state=seed)
        ((_, expected),) = draw.split(groups, groups=groups)
        assert draw_groups(groups, 0.1, 0.2, seed, SLOT)["test"].tolist() == expected.tolist()


def test_another_seed_draws_other_groups():
    groups = np.arange(200) % 20
    draws = [draw_groups(groups, 0.1, 0.2, seed, SLOT)["test"].tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_a_share_of_nothing_takes_no_group():
    rows = draw_groups(np.arange(5), 0.0, 0.2, 0, SLOT)
    assert [len(own) for own in rows.values()] == [4, 0, 1]


def test_too_few_groups_are_refused():
    with pytest.raises(Problem, match=r"(?s)a group for each split.*2 different cells"):
        draw_groups(np.arange(10) % 2, 0.1, 0.2, 0, SLOT)


def test_every_row_must_say_its_group():
    with pytest.raises(Problem, match=r"2 blank cells, first in row 2 of a\.csv"):
        groups_of(pyarrow.array(["x", "", None, " x"]), place, SLOT)
    assert groups_of(pyarrow.array(["x", "y", " x"]), place, SLOT).tolist() == [0, 1, 0]


def test_a_group_in_files_for_different_splits_is_named():
    named = np.array(["train", "train", "test"])
    check_apart(np.array([0, 1, 2]), named, ["a", "b", "c"], SLOT)
    with pytest.raises(Problem, match="'b' in files for different ones"):
        check_apart(np.array([0, 1, 1]), named, ["a", "b"], SLOT)
