"""The last rows by a column are test, those before them val, whatever their order in the file."""

import numpy as np
import pandas
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.splits.last import take_last
from mtl_cli.dataset.splits.times import Moments, moments_of, whole_numbers

SLOT = "dataset.split"


def place(i):
    return f"row {i + 1} of a.csv"


def when(values):
    return Moments(np.array(values), pyarrow.array(map(str, values)), whole_numbers)


@settings(deadline=None)
@given(st.permutations(range(40)), st.integers(0, 8), st.integers(0, 8))
def test_the_last_rows_are_test_and_those_before_them_val(moments, val, test):
    rows = take_last(when(moments), val / 40, test / 40, {}, SLOT)
    order = np.argsort(moments)
    assert rows["train"].tolist() == sorted(order[: 40 - val - test])
    assert rows["val"].tolist() == sorted(order[40 - val - test : 40 - test])
    assert rows["test"].tolist() == sorted(order[40 - test :])


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=20, max_size=100))
def test_rows_of_one_moment_stay_together(moments):
    moments = np.array([*moments, -2, -1, 10])
    rows = take_last(when(moments), 0.1, 0.1, {}, SLOT)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(moments)))
    assert moments[rows["train"]].max() < moments[rows["val"]].min()
    assert moments[rows["val"]].max() < moments[rows["test"]].min()
    values, counts = np.unique(moments, return_counts=True)
    sizes = [counts[i:].sum() for i in range(2, len(values))]
    wanted = round(0.1 * len(moments))
    assert abs(len(rows["test"]) - wanted) == min(abs(size - wanted) for size in sizes)


def test_moments_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(Problem, match=r"(?s)earlier rows to train on.*2 different moments"):
        take_last(when([1, 1, 1, 2]), 0.1, 0.2, {}, SLOT)


@pytest.mark.parametrize(
    "cells",
    [
        ["3", "-1", "20"],
        ["1.5", "-1e3", "2e7"],
        ["1700000000000000001", "1700000000000000000", "1700000000000000002"],
        ["2024-02-29", "1999-12-31", "2024-11-01"],
        ["2024-02-29 10:00:00", "2024-02-29", " 2024-02-29T10:00:01 "],
        ["2024-02-29T10:00:00+02:00", "2024-02-29T07:59:59Z", "2024-02-29T08:00:01+00:00"],
    ],
)
def test_numbers_dates_and_times_are_in_their_order(cells):
    assert np.argsort(moments_of(pyarrow.array(cells), place, SLOT, None).values).tolist() == [
        1,
        0,
        2,
    ]


def test_dates_are_those_of_pandas():
    days = pandas.date_range("1950-01-01", periods=200, freq="97D")
    cells = pyarrow.chunked_array([[str(day.date()) for day in days]])
    assert np.array_equal(np.diff(moments_of(cells, place, SLOT, None).values), np.full(199, 97))


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1", "?", "3"], r"'\?' in row 2"),
        (["1", None], "None in row 2"),
        (["2024-01-01", "", "soon"], r"'' in row 2 of a\.csv \(2 cells like it\)"),
        (["1.5", "nan"], "'nan' in row 2"),
        (["31/05/2024"], "'31/05/2024' in row 1"),
    ],
)
def test_what_is_no_moment_is_named(cells, found):
    with pytest.raises(Problem, match=found):
        moments_of(pyarrow.array(cells), place, SLOT, None)


def test_dates_of_a_format_are_in_their_order_and_the_format_is_said():
    cells = pyarrow.array(["21/02/2022", "01/03/2021", "02/03/2022"])
    with pytest.raises(Problem, match=r"try:   'dataset\.split\.date_format=\"%d/%m/%Y\"'"):
        moments_of(cells, place, SLOT, None)
    own = moments_of(cells, place, SLOT, "%d/%m/%Y")
    assert np.argsort(own.values).tolist() == [1, 0, 2]
    assert own.ends(np.arange(3)) == ("01/03/2021", "02/03/2022")
    assert own.of("2022-02-21", SLOT) == own.of("21/02/2022", SLOT) == own.values[0]
    times = pyarrow.array(["2022-02-21 00:00:00.000000", "2022-02-21 08:30"])
    ends = moments_of(times, place, SLOT, None).ends(np.arange(2))
    assert ends == ("2022-02-21", "2022-02-21 08:30:00")
    both = pyarrow.array(["01/02/2022", "02/01/2022"])
    with pytest.raises(Problem, match=r'"%m/%d/%Y"\' or .*"%d/%m/%Y"\''):
        moments_of(both, place, SLOT, None)
