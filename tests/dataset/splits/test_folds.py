"""Folds: every row is tested once a deal, as scikit-learn deals them."""

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.options import SplitOptions, of_run

SAID = {"by": "fraction", "column": None, "val": 0.1, "test": 0.2, "seed": None, "fold": None}
SAID |= {"date_format": None}


def place(i):
    return f"row {i + 1} of a.csv"


def folds(k, n, cells=None, classes=(), repeat=0, **options):
    """The splits of each fold of a deal."""
    said = SAID | {"folds": k} | options | ({} if cells is None else {"column": "c"})
    array = None if cells is None else pyarrow.array([str(cell) for cell in cells])
    strata = classes[0] if len(classes) else None
    return [
        deal(
            SplitOptions.of(of_run(said, repeat * k + fold)),
            np.full(n, ""),
            lambda name: array,
            place,
            strata,
            classes,
        ).rows
        for fold in range(k)
    ]


@settings(deadline=None, max_examples=50)
@given(
    st.integers(2, 6),
    st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 9)), min_size=20, max_size=60),
    st.integers(0, 3),
    st.sampled_from(["fraction", "group"]),
)
def test_every_row_is_tested_once_and_is_in_one_split_of_each_fold(k, rows, repeat, by):
    first, second = np.array(rows).T
    cells = np.arange(len(rows)) // 2 if by == "group" else None  # ten groups and more
    found = folds(k, len(rows), cells, [first, second], repeat, by=by)
    assert sorted(np.concatenate([own["test"] for own in found])) == list(range(len(rows)))
    for own in found:
        assert sorted(np.concatenate(list(own.values()))) == list(range(len(rows)))
        assert len(own["val"]) > 0
        if by == "group":
            groups = [set(cells[rows]) for rows in own.values()]
            assert sum(map(len, groups)) == len(set.union(*groups))
        else:  # what is not in test is in train, whatever val drew
            for classes in (first, second):
                rest = np.concatenate([own["train"], own["val"]])
                there = [set(classes[rows]) - {-1} for rows in (rest, own["train"])]
                assert there[0] == there[1]


@pytest.mark.parametrize("repeat", [0, 2])
def test_they_are_scikit_learns(repeat):
    classes = np.random.default_rng(0).integers(0, 3, 60)
    plain = KFold(5, shuffle=True, random_state=repeat).split(classes)
    by_class = StratifiedKFold(5, shuffle=True, random_state=repeat).split(classes, classes)
    for own, (_, test) in zip(folds(5, 60, repeat=repeat), plain, strict=True):
        assert own["test"].tolist() == test.tolist()
    for own, (_, test) in zip(folds(5, 60, None, [classes], repeat), by_class, strict=True):
        assert own["test"].tolist() == test.tolist()


@pytest.mark.parametrize(("k", "n"), [(2, 9), (3, 40), (5, 24), (5, 47)])
def test_by_time_each_trains_on_what_was_before_as_scikit_learns_do(k, n):
    order = np.random.default_rng(n).permutation(n)  # when each row is
    found = folds(k, n, order, by="time", val=0.0)
    for own, (train, test) in zip(found, TimeSeriesSplit(k).split(order), strict=True):
        assert sorted(order[own["train"]]) == train.tolist()
        assert sorted(order[own["test"]]) == test.tolist()


def test_the_first_fold_in_time_has_moments_for_train_and_val():
    years = np.repeat(np.arange(7), [2, 1, 20, 20, 20, 20, 20])
    for own in folds(5, len(years), years, by="time"):
        assert all(len(rows) for rows in own.values())
    assert folds(6, len(years), years, by="time", val=0.0)[0]["train"].tolist() == [0, 1]
    with pytest.raises(Problem, match=r"(?s)moments by c, and 2 before them.*found: 5.*folds=5"):
        folds(6, len(years), years, by="time")


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 4), st.lists(st.integers(0, 12), min_size=20, max_size=60))
def test_rows_of_one_moment_stay_together(k, moments):
    moments = np.array([-2, -1, *moments, *range(20, 27)])
    found = folds(k, len(moments), moments, by="time")
    tested = np.concatenate([own["test"] for own in found])
    assert len(tested) == len(set(tested))
    for own in found:
        ordered = [moments[own[split]] for split in ("train", "val", "test")]
        assert ordered[0].max() < ordered[1].min()
        assert ordered[1].max() < ordered[2].min()


def test_seeds_count_the_folds_of_a_deal_then_those_of_the_next():
    said = SAID | {"folds": 5}
    found = [of_run(said, seed) for seed in (3, 7)]
    assert [(own["seed"], own["fold"]) for own in found] == [(0, 3), (1, 2)]
    alone = of_run(said | {"fold": 2}, 1)  # the same fold of the same deal, alone
    assert (alone["seed"], alone["fold"]) == (1, 2)
    assert of_run(said | {"folds": None}, 7) == said | {"folds": None, "seed": 7}


def test_folds_are_of_all_rows():
    said = of_run(SAID | {"folds": 3}, 0)
    options, given = SplitOptions.of(said), np.array([""] * 9 + ["test"])
    with pytest.raises(Problem, match=r"dataset\.split\.folds must be null where files are for"):
        deal(options, given, lambda name: None, place, None, [])
    with pytest.raises(Problem, match="null for by=column"):
        SplitOptions.of(said | {"by": "column", "column": "part"})
    with pytest.raises(Problem, match=r"(?s)number of groups by c.*found: 2.*folds=2"):
        folds(3, 10, np.arange(10) % 2, by="group")
