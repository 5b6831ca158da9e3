"""The order of ordinal classes: by value, as said, or as a category of pandas has it."""

from pathlib import Path

import numpy as np
import pandas
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.columns.array_labels import labels_of
from mtl_cli.dataset.columns.class_order import in_order
from mtl_cli.dataset.columns.labels import make_label_map
from mtl_cli.dataset.columns.target_options import TargetOptions, targets_of
from mtl_cli.dataset.files.cells import SeenLabels
from mtl_cli.dataset.files.held import arrow_table
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.ordered import order_of
from mtl_cli.dataset.files.stored import with_text
from mtl_cli.dataset.tables.target_notes import which_is_one
from mtl_cli.dataset.tables.targets import TableTargets

ORDER = ["low", "mid", "high"]


def place(i):
    return f"row {i + 1}"


def learn(cells, given=None, order=None):
    seen = SeenLabels()
    seen.add(cells, place)
    return make_label_map("size", "ordinal", seen, given, "dataset.targets.size.map", order)


def test_numbers_are_in_their_order_and_words_as_they_are_said_to_be():
    numbers = learn(["10", "9", "", "2.0"])
    assert numbers.names == ["2", "9", "10"]
    assert numbers.targets(["9", "?", "2", "10"], place).tolist() == [1, -1, 0, 2]
    words = learn(["mid", "low", "", "low"], order=ORDER)  # high is not there
    assert words.names == ORDER
    assert words.targets(["high", None, "low"], place).tolist() == [2, -1, 0]
    mapped = learn(["a", "b", "c"], {"a": "high", "b": "low", "c": None}, ORDER)
    assert mapped.targets(["a", "b", "c"], place).tolist() == [2, 0, -1]
    assert learn(["1", "2.0", "3"], order=[3, 2.0, 1]).names == ["3", "2", "1"]


def test_words_without_an_order_are_answered_with_the_line_that_says_one():
    with pytest.raises(Problem, match="their order be said") as error:
        learn(["mid", "low", "high"])
    assert "'dataset.targets.size={kind: ordinal, order: [high, low, mid]}'" in str(error.value)
    with pytest.raises(Problem, match=r"none for top") as error:
        in_order("size", "ordinal", {"top", "low"}, ORDER)
    assert "[low, mid, high, top]" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "order"),
    [("multiclass", ORDER), ("ordinal", "low"), ("ordinal", ["a"]), ("ordinal", ["a", "a"])],
)
def test_what_is_no_order_is_refused(kind, order):
    with pytest.raises(Problem, match=r"'dataset.targets.size={kind: ordinal, order: \[low"):
        TargetOptions("size", kind, order=order)


def test_an_array_has_its_order_by_its_numbers():
    arrays = {"size": np.array([0.0, 2.0, np.nan, -1.0])}
    assert labels_of(TargetOptions("size", "ordinal"), arrays).tolist() == [0, 2, -1, -1]
    with pytest.raises(Problem, match="must be 0, 1, 2"):
        labels_of(TargetOptions("size", "ordinal"), {"size": np.array([0.5])})
    with pytest.raises(Problem, match=r"dataset.targets.size=ordinal"):
        labels_of(TargetOptions("size", "ordinal", order=ORDER), arrays)


@pytest.mark.parametrize("by_file", [False, True])
def test_the_order_of_a_category_of_pandas_is_known(tmp_path, by_file):
    order = [*ORDER, "top"]
    cells = pandas.Categorical(["mid", "low", None, "high"], order, ordered=True)
    frame = pandas.DataFrame({"size": cells, "loose": pandas.Categorical(["a", "b", "a", "b"])})
    if by_file:
        frame.to_parquet(tmp_path / "t.parquet")
        frame = pandas.read_parquet(tmp_path / "t.parquet")
    table = with_text(arrow_table("data", frame), ["size", "loose"], Path("data"), ReadOptions())
    assert order_of(table, "size") == order
    assert order_of(table, "loose") is None
    for kind, names in (("ordinal", order), ("multiclass", sorted(ORDER))):
        known = TableTargets(targets_of({"size": kind}), None, None)
        known.read(table, place)
        assert known.class_names["size"] == names
    assert known.labels["size"].tolist() == [2, 1, -1, 0]


def test_what_is_one_of_two_classes_can_be_said():
    seen = SeenLabels()
    seen.add(["ja", "nein", "", "ja"], place)
    own = TargetOptions("ill", "binary", order=["nein", "ja"])
    slot = f"{own.slot}.map"
    said = make_label_map("ill", "binary", seen, None, slot, own.order)
    assert said.targets(["ja", "nein", "", "ja"], place).tolist()[:2] == [1, 0]
    assert make_label_map("ill", "binary", seen, None, slot).names == ["ja", "nein"]
    assert which_is_one(["ja", "nein"]) == "; nein is 1, and ja by order: [nein, ja]"
    for names in (said.names, ["no", "yes"], ["0", "1"]):
        assert which_is_one(names) == f"; {names[1]} is 1"
    with pytest.raises(Problem, match="must have two labels"):
        make_label_map("ill", "binary", seen, None, slot, ["nein", "vielleicht"])
    with pytest.raises(Problem, match=r"'dataset.targets.ill={kind: binary, order: \[no, yes\]}'"):
        TargetOptions("ill", "binary", order=["no", "maybe", "yes"])
