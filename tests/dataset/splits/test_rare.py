"""Train has a row of each class of each target; a draw that has them already stays as it was."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.dataset.columns.unseen import counted, unseen_labels, unseen_note
from mtl_cli.dataset.splits.fractions import draw_rows
from mtl_cli.dataset.splits.rare import mend

ROWS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 9), st.integers(-1, 20)), min_size=8)


def drawn(classes, seed):
    """The split of each row, by the first target's classes alone."""
    named = np.full(len(classes[0]), "train", dtype="<U5")
    for split, rows in draw_rows(len(named), 0.2, 0.3, seed, classes[0]).items():
        named[rows] = split
    return named


@settings(deadline=None)
@given(ROWS, st.integers(0, 9))
def test_every_class_of_every_target_is_in_train(rows, seed):
    classes = list(np.array(rows).T)
    before = drawn(classes, seed)
    named = before.copy()
    mend(named, np.ones(len(named), dtype=bool), classes, classes[0], seed)
    lacked = False
    for own in classes:
        assert set(own[own >= 0]) == set(own[(named == "train") & (own >= 0)])
        lacked |= set(own[own >= 0]) != set(own[(before == "train") & (own >= 0)])
    assert lacked or np.array_equal(before, named)  # old runs go on with their rows
    moved = (named == "train").sum() - (before == "train").sum()
    assert 0 <= moved <= (named != before).sum()


def test_splits_keep_their_sizes_and_strata_where_rows_can_be_spared():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, 400), rng.integers(0, 5, 400)
    second[:3] = [5, 6, 7]
    for seed in range(20):
        before = drawn([first, second], seed)
        named = before.copy()
        mend(named, np.ones(400, dtype=bool), [first, second], first, seed)
        assert (named == "train")[:3].all()
        for split in ("train", "val", "test"):
            counts = [np.bincount(first[own == split], minlength=3) for own in (before, named)]
            assert np.array_equal(*counts)
        assert (named != before).sum() == 2 * (before != "train")[:3].sum()


def test_rows_of_files_for_a_split_stay_there():
    named = np.array(["train", "train", "test", "val"])
    mend(named, named == "train", [np.array([0, 1, 2, 3])], None, 0)
    assert named.tolist() == ["train", "train", "test", "val"]


def test_labels_of_a_class_that_train_lacks_are_counted_and_said():
    target, train = torch.tensor([0, 1, 2, -1, 2, 3]), torch.tensor([0, 1, 3])
    unseen = unseen_labels("multiclass", ["a", "b", "c", "d"], target, train)
    assert unseen.tolist() == [False, False, True, False, True, True]
    own = counted(target[unseen], ["a", "b", "c", "d"])
    assert own == {"c": 2, "d": 1}
    assert unseen_note("target y", own) == [
        "target y: no row in train is c (2), d (1); such labels of val and test count as missing"
    ]
    assert unseen_note("target y", {}) == []
    assert not unseen_labels("regression", [], torch.tensor([1.0, 2.0]), train[:1]).any()
