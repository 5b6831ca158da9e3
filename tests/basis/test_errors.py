"""Every error names the thing, the rule, what was found, and what to do."""

import ast
import math
import re
from collections import Counter
from pathlib import Path

import pytest

import mtl_cli
from mtl_cli.basis import errors

FOUR_PARTS = re.compile(r"\S.* must be \S.*\.\n  found: (\S.*)\n  try:   \S.*")
SOURCES = sorted(Path(mtl_cli.__file__).parent.rglob("*.py"))

REFUSED = [
    (errors.check_integer, [0, -1, 1.0, "3", "", True, None, math.nan], (1, "n=1")),
    (errors.check_number, ["0.5", "", True, None, math.nan, math.inf], ("p=0.5",)),
    (errors.check_number, [-0.1, 1.1, -math.inf, math.nan], ("p=0.5", 0, 1)),
    (errors.check_number, [-1e-9, "x"], ("p=0.5", 0)),
    (errors.check_number, [1.5], ("p=0.5", -math.inf, 1)),
    (errors.check_choice, ["rely", "zzz", "", None, 3], (["relu", "gelu"], "a=relu")),
    (errors.check_boolean, [0, 1, "true", "", None], ()),
    (errors.check_widths, [[], 5, "12", "", None], ("h=[1]",)),
]
CASES = [(check, value, rest) for check, values, rest in REFUSED for value in values]


@pytest.mark.parametrize(("check", "value", "rest"), CASES)
def test_a_refused_value_is_told_in_four_parts(check, value, rest):
    with pytest.raises(errors.Problem, match=r"^group\.option must be") as error:
        check("group.option", value, *rest)
    parts = FOUR_PARTS.fullmatch(str(error.value))
    assert parts
    assert parts[1] in (value, repr(value))


@pytest.mark.parametrize("width", [0, -3, 1.5, True, "4", None])
def test_of_a_list_of_widths_the_wrong_one_is_shown(width):
    with pytest.raises(errors.Problem) as error:
        errors.check_widths("encoder.hidden", [8, width, 4], "h=[1]")
    parts = FOUR_PARTS.fullmatch(str(error.value))
    assert parts
    assert parts[1] in (width, repr(width))


@pytest.mark.parametrize(
    ("check", "value", "rest"),
    [
        (errors.check_integer, 1, (1, "n=1")),
        (errors.check_number, 0, ("p=0.5", 0, 1)),
        (errors.check_number, 1.0, ("p=0.5", 0, 1)),
        (errors.check_number, -1e300, ("p=0.5",)),
        (errors.check_choice, "gelu", (["relu", "gelu"], "a=relu")),
        (errors.check_boolean, False, ()),
        (errors.check_widths, [64, 1], ("h=[1]",)),
        (errors.check_widths, [], ("h=[1]", 0)),
    ],
)
def test_values_up_to_the_bounds_pass(check, value, rest):
    check("group.option", value, *rest)


def test_an_error_is_a_value_error():
    assert issubclass(errors.Problem, ValueError)


@pytest.mark.parametrize(
    ("word", "close"),
    [("mmeo", "mmoe"), ("mmoe", "mmoe"), ("cros_stitch", "cross_stitch"), ("xyz", None)],
)
def test_nearest_is_the_word_that_was_meant(word, close):
    assert errors.nearest(word, ["hps", "mmoe", "cross_stitch"]) == close


@pytest.mark.parametrize(
    ("word", "known", "close"),
    [
        ("x1", ["X1", "x2", "y"], "X1"),
        ("petal width", ["petal_length", "Petal_Width"], "Petal_Width"),
        ("cross-stitch", ["hps", "cross_stitch"], "cross_stitch"),
        ("_", ["a", "_"], "_"),
        ("X", ["x", "X"], "X"),
    ],
)
def test_how_a_name_is_written_makes_no_difference(word, known, close):
    assert errors.nearest(word, known) == close


def test_a_mistyped_choice_is_answered_with_the_nearest():
    with pytest.raises(errors.Problem, match=r"try:   encoder\.activation=gelu$"):
        errors.check_choice("encoder.activation", "geluu", ["relu", "gelu"], "…=relu")


# Raised to be caught a few lines on, or for Python's own protocol of sequences.
CAUGHT = {"history": 2, "unparsed": 1, "parts": 1, "cache": 1, "run_data": 1}
CAUGHT |= {"yaml_file": 1, "checkpoint": 1, "losses": 1, "array_files": 2, "images": 2}
CAUGHT |= {"plain_inputs": 1, "searched": 2}
# Where a task tries its metrics and losses on made-up labels.
CAUGHT |= {"auroc": 1, "gauc": 1, "probability": 1, "xauc": 1, "ziln": 1}


def test_users_errors_are_raised_only_in_this_form():
    ours = {"ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError", "Exception"}
    ours |= {"OSError", "FileNotFoundError", "NotImplementedError", "Problem"}
    raised, found = [], 0
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                found += isinstance(made, ast.Name) and made.id == "problem"
                if isinstance(made, ast.Name) and made.id in ours:
                    raised.append(path.stem)
    assert Counter(raised) == CAUGHT
    assert found >= 25
    assert len(SOURCES) >= 50
