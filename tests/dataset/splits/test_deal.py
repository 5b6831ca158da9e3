"""Rows go to the split that a file or a column says; the others are dealt as the options say."""

import numpy as np
import pyarrow
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.options import SplitOptions

USUAL = {
    "by": "fraction",
    "column": None,
    "val": 0.1,
    "test": 0.2,
    "seed": 0,
    "folds": None,
    "fold": None,
    "date_format": None,
}
NONE = np.full(100, "")


def place(i):
    return f"row {i + 1} of a.csv"


def dealt(given=NONE, cells=None, strata=None, classes=(), **options):
    array = None if cells is None else pyarrow.array([str(cell) for cell in cells])
    own = SplitOptions.of(USUAL | options | ({} if cells is None else {"column": "c"}))
    return deal(own, np.array(given), lambda name: array, place, strata, classes)


def sizes(found):
    return {split: len(rows) for split, rows in found.rows.items()}


def test_fractions_are_drawn_of_all_rows():
    found = dealt()
    assert sizes(found) == {"train": 70, "val": 10, "test": 20}
    assert found.drawn == ["val", "test"]


@pytest.mark.parametrize("by", ["fraction", "group", "time", "column"])
def test_rows_of_files_for_a_split_are_that_split(by):
    given = np.array([""] * 90 + ["test"] * 10)
    cells = ["train"] * 90 + ["whatever"] * 10 if by == "column" else range(100)
    found = dealt(given, None if by == "fraction" else cells, by=by)
    assert found.rows["test"].tolist() == list(range(90, 100))
    assert sizes(found)["val"] == 9  # of the 90 that are left
    assert found.drawn == ([] if by == "time" else ["val"])


def test_what_a_column_leaves_open_is_drawn():
    cells = np.array(["train"] * 60 + ["test"] * 40)
    found = dealt(cells=cells, by="column")
    assert found.rows["test"].tolist() == list(range(60, 100))
    assert sizes(found) == {"train": 54, "val": 6, "test": 40}
    assert found.drawn == ["val"]
    cells[:10] = "dev"
    assert dealt(cells=cells, by="column").drawn == []


def test_a_split_by_time_is_given_whatever_the_seed():
    moments = np.random.default_rng(0).permutation(100)
    found = [dealt(cells=moments, by="time", seed=seed) for seed in (0, 1)]
    assert all(np.array_equal(found[0].rows[s], found[1].rows[s]) for s in found[0].rows)
    assert sorted(moments[found[0].rows["test"]]) == list(range(80, 100))
    assert sorted(moments[found[0].rows["val"]]) == list(range(70, 80))
    assert found[0].drawn == []


@pytest.mark.parametrize("by", ["fraction", "group", "time"])
def test_whole_numbers_say_how_many(by):
    found = dealt(cells=None if by == "fraction" else range(100), by=by, val=7, test=1)
    assert sizes(found) == {"train": 92, "val": 7, "test": 1}
    given = np.array([""] * 90 + ["test"] * 10)
    assert sizes(dealt(given, val=7, test=5)) == {"train": 83, "val": 7, "test": 10}


DAYS = [f"2023-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(100)]


@pytest.mark.parametrize(
    ("cells", "val", "test", "begins"),
    [
        (DAYS, "2023-03-01", "2023-04-01", (56, 84)),
        (DAYS, 0.1, "2023-04-01", (74, 84)),
        (DAYS, "2023-03-01", 10, (56, 90)),
        (DAYS, 0, "2023-04-01 00:00:01", (85, 85)),
        (range(1900, 2000), "from 1980", "from 1990", (80, 90)),
        (range(1900, 2000), "1980.5", 5, (81, 95)),
    ],
)
def test_a_moment_says_from_when_on(cells, val, test, begins):
    order = np.random.default_rng(0).permutation(100)
    mixed = np.array(list(cells))[order]
    if val == "1980.5":
        mixed = mixed.astype(float)
    found = dealt(cells=mixed, by="time", val=val, test=test)
    assert sorted(order[found.rows["train"]]) == list(range(begins[0]))
    assert sorted(order[found.rows["val"]]) == list(range(*begins))
    assert sorted(order[found.rows["test"]]) == list(range(begins[1], 100))


@pytest.mark.parametrize(
    ("cells", "options", "words"),
    [
        (DAYS, {"test": "soon"}, "'dataset.split.test=2023-03-25'"),
        (DAYS, {"test": "2024-01-01"}, "is from 2023-01-01 to 2023-04-16"),
        (DAYS, {"val": "2023-03-01", "test": "2023-02-01"}, "is from 2023-01-01 to 2023-01-28"),
        (range(1900, 2000), {"test": 1990}, "or 'dataset.split.test=from 1990' for a moment"),
        (range(1900, 2000), {"test": "2023-01-01"}, "'dataset.split.test=from 1980'"),
        (range(100), {"test": "50", "folds": 5, "fold": 0}, "is for by=time, without folds"),
    ],
)
def test_a_moment_that_leaves_nothing_is_answered_with_one_that_does(cells, options, words):
    with pytest.raises(Problem) as error:
        dealt(cells=cells, by="time", **options)
    assert words in str(error.value)


def test_groups_are_dealt_anew_by_the_seed_and_never_shared():
    groups = np.arange(100) % 25
    found = [dealt(cells=groups, by="group", seed=seed) for seed in (0, 1)]
    assert not np.array_equal(found[0].rows["test"], found[1].rows["test"])
    for one in found:
        assert one.drawn == ["val", "test"]
        own = [set(groups[rows]) for rows in one.rows.values()]
        assert sum(map(len, own)) == len(set.union(*own)) == 25
        assert len(own[2]) == 5


def test_a_group_that_the_files_share_is_refused():
    given = np.array([""] * 99 + ["test"])
    with pytest.raises(Problem, match=r"(?s)each group of dataset\.split\.column.*'7' in files"):
        dealt(given, [*range(99), 7], by="group")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "fold"}, "must be one of fraction, column, group, time"),
        ({"by": "patient"}, "{by: group, column: patient}"),
        ({"test": "20 %"}, "test=0.2"),
        ({"by": "group"}, "'dataset.split={by: group, column: <its name>}'"),
        ({"column": "c"}, "'dataset.split={by: column, column: c}'"),
        ({"val": -0.1}, "dataset.split.val must be a number"),
        ({"test": "a"}, "dataset.split.test must be a number"),
        ({"seed": None}, "dataset.split.seed must be an integer"),
        ({"val": 0.5, "test": 0.6}, "leave rows to train on"),
        ({"fold": 1}, "must be null where rows are not dealt into folds"),
        ({"folds": 1, "fold": 0}, "dataset.split.folds must be an integer of at least 2"),
        ({"folds": 5, "fold": 5}, "must be below dataset.split.folds=5"),
        ({"folds": 101, "fold": 0, "val": 0}, "must be at most the number of rows"),
        ({"test": "2023-01-01"}, "a moment is for by=time, without folds"),
        ({"test": 1.5}, "dataset.split.test must be a number from 0 to 0.9"),
        ({"test": 100}, "dataset.split.test=20"),
        ({"val": 40, "test": 59}, "40 val, 59 test"),
        ({"fraction": 0.1}, "has no such option; it has by, column, val, test, date_format, seed"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(options, words):
    with pytest.raises(Problem) as error:
        dealt(**options)
    assert words in str(error.value)


def test_a_word_in_place_of_the_options_is_answered_with_them():
    with pytest.raises(Problem, match=r"try:   'dataset\.split=\{by: time, column: <its name>\}'"):
        SplitOptions.of("time")


def test_a_source_has_what_it_says_and_else_what_all_have():
    common = SplitOptions.of(USUAL)
    own = common.of_source({"by": "time", "column": "when"}, "dataset.sources.m.split")
    assert (own.by, own.column, own.val, own.seed) == ("time", "when", 0.1, 0)
    assert own.slot == "dataset.sources.m.split"
    assert common.of_source(None, "dataset.sources.n.split").by == "fraction"
