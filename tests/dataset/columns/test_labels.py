"""Labels become targets as people mean them, and those that mean nothing are named."""

import numpy as np
import pandas
import pyarrow
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.columns.label_checks import check_train_targets
from mtl_cli.dataset.columns.labels import flags, make_label_map
from mtl_cli.dataset.columns.target_options import target_of
from mtl_cli.dataset.files.cells import SeenLabels, encode

SLOT = "dataset.targets.task.map"


def place(i):
    return f"row {i + 1} of a.csv"


def learn(kind, cells, given_map=None):
    seen = SeenLabels()
    seen.add(cells, place)
    return make_label_map("task", kind, seen, given_map, SLOT)


def targets_of(kind, cells, given_map=None):
    return learn(kind, cells, given_map).targets(cells, place).tolist()


def problem_of(kind, cells, given_map=None):
    with pytest.raises(Problem) as error:
        targets_of(kind, cells, given_map)
    return str(error.value)


CELLS = st.lists(st.sampled_from(["", "?", " ?", " a", "a", "b ", "ccc", "10", "9"]), max_size=20)


@settings(deadline=None)
@given(CELLS)
def test_encoding_is_pandas_factorize_of_the_trimmed_cells(cells):
    expected = [None if c.strip() in ("", "?") else c.strip() for c in cells]
    codes, labels = encode(cells)
    assert [None if code < 0 else labels[code] for code in codes] == expected
    assert len(set(labels)) == len(labels)


@settings(deadline=None)
@given(CELLS, st.integers(1, 5))
def test_counting_in_chunks_is_counting_at_once(cells, size):
    whole, chunked = SeenLabels(), SeenLabels()
    whole.add(cells, place)
    for begin in range(0, len(cells), size):
        part = pyarrow.array(cells[begin : begin + size], pyarrow.string())
        chunked.add(part, lambda i, begin=begin: place(begin + i))
    assert whole == chunked
    trimmed = [cell.strip() for cell in cells]
    assert whole.counts == {label: trimmed.count(label) for label in whole.counts}
    assert whole.first == {label: place(trimmed.index(label)) for label in whole.counts}


@pytest.mark.parametrize(
    "make", [list, pandas.Series, pyarrow.array, lambda x: pyarrow.chunked_array([x[:2], x[2:]])]
)
def test_a_column_may_be_of_any_library(make):
    cells = make(["yes", "no", "?", "yes", ""])
    labels = learn("binary", cells)
    assert labels.names == ["no", "yes"]
    expected = torch.tensor([1.0, 0.0, torch.nan, 1.0, torch.nan])
    assert torch.equal(labels.targets(cells, place).nan_to_num(-9), expected.nan_to_num(-9))


def test_classes_are_in_the_order_of_their_values_or_of_the_alphabet():
    assert learn("multiclass", ["10", "9", "-1", "?"]).names == ["-1", "9", "10"]
    assert learn("multiclass", ["b", "a", "10"]).names == ["10", "a", "b"]
    assert targets_of("multiclass", ["10", "9", "", "-1", "10"]) == [2, 1, -1, 0, 2]
    assert learn("binary", pyarrow.array([True, False])).names == ["false", "true"]


def test_a_label_map_joins_renames_and_leaves_out():
    stars = {1: "negative", 2: "negative", 3: "neutral", 4: "positive", 5: None}
    cells = ["5", "1", "3", "2", "4", "?"]
    labels = learn("multiclass", cells, stars)
    assert labels.names == ["negative", "neutral", "positive"]
    assert labels.targets(cells, place).tolist() == [-1, 0, 1, 0, 2, -1]
    cells = ["Never married", "Widowed", "Divorced", ""]
    binary = torch.tensor(targets_of("binary", cells, {"Never married": 1, "*": 0}))
    assert torch.equal(binary.nan_to_num(-9), torch.tensor([1.0, 0.0, 0.0, -9.0]))
    assert targets_of("regression", ["low", "3"], {"low": 0.5}) == [0.5, 3.0]


def test_regression_reads_numbers_and_what_stands_for_none():
    values = targets_of("regression", ["1", " -2.5e3 ", "?", "", "nan", "NA"])
    assert values[:2] == [1.0, -2500.0]
    assert np.isnan(values[2:]).all()


def test_an_unmapped_label_is_named_with_its_row_and_count():
    message = problem_of("multiclass", ["1", "6", "2", "6"], {1: "bad", 2: "good"})
    assert "'6' (2 times, first in row 2 of a.csv)" in message
    assert SLOT in message
    labels = learn("multiclass", ["1", "2"])
    with pytest.raises(Problem, match=r"'3' \(1 times, first in row 2 of a\.csv\)"):
        labels.targets(["1", "3"], place)


@pytest.mark.parametrize(
    ("kind", "cells", "words"),
    [
        ("binary", ["a", "b", "c"], "task: multiclass"),
        ("binary", [str(i) for i in range(30)], "task: regression"),
        ("binary", ["a", "a", ""], "two classes"),
        ("binary", ["", ""], "two classes"),
        ("multiclass", ["a", "a"], "two classes"),
        ("multiclass", [str(i / 7) for i in range(50)], "task: regression"),
        ("multiclass", [f"id {i}" for i in range(50)], "must be classes"),
        ("regression", ["1", "a", "a"], "'a' (2 times, first in row 2 of a.csv)"),
        ("regression", ["1", "inf"], "finite"),
        ("rank", ["1", "2"], "regression, count, amount, binary, multiclass, ordinal, multilabel"),
    ],
)
def test_labels_of_another_kind_than_was_said_are_refused(kind, cells, words):
    assert words in problem_of(kind, cells)


def test_few_classes_may_be_fractions_and_many_labels_few_classes():
    assert len(learn("multiclass", ["0.5", "1", "1.5"]).names) == 3
    assert len(learn("multiclass", [str(i % 40) for i in range(400)]).names) == 40


def test_flags_are_columns_of_zeros_and_ones():
    columns = {"a": ["1", "0", "?"], "b": [True, False, None], "c": [1.0, 0.0, 1.0]}
    expected = torch.tensor([[1, 1, 1], [0, 0, 0], [-9, -9, 1]]).float()
    assert torch.equal(flags("tags", columns, place).nan_to_num(-9), expected)
    with pytest.raises(Problem, match=r"column b.*\n.*'2' \(1 times, first in row 2 of a"):
        flags("tags", {"a": ["1", "0"], "b": ["1", "2"]}, place)


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("binary", [0.0, 0.0, torch.nan], "no yes"),
        ("multiclass", [0, -1, 0], "no yes"),
        ("regression", [2.0, 2.0, torch.nan], "must vary"),
        ("regression", [torch.nan, torch.nan], "must have a label"),
        ("multiclass", [-1], "must have a label"),
    ],
)
def test_train_labels_that_teach_nothing_are_refused(kind, target, words):
    with pytest.raises(Problem, match=words):
        check_train_targets("task", kind, ["no", "yes"], torch.tensor(target))
    check_train_targets("task", "regression", [], torch.tensor([1.0, 2.0]))
    check_train_targets("task", "multiclass", ["a", "b"], torch.tensor([0, 1, -1]))


def test_a_kind_of_task_says_the_kind_of_its_labels():
    said = {"a": "ranking", "b": {"kind": "plain_regression", "column": "x"}, "c": "count"}
    kinds = {task: target_of(task, own).kind for task, own in said.items()}
    assert kinds == {"a": "binary", "b": "regression", "c": "count"}
