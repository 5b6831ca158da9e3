"""What a search looks through, the words of a point, and what is no range."""

import random

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.study.space import (
    check_keys,
    make_space,
    options_of,
    said_in,
    words_of,
)

CONFIG = {"optimizer.lr": 0.001, "arch.num_experts": 8, "encoder.hidden": [8], "seed": 0}
CONFIG |= {
    "arch._partial_": True,
    "tasks.sin.weight": 1.0,
    "tasks.cos.weight": 1.0,
    "trainer.max_steps": None,
}
CHOICES = {"arch": "mmoe", "loss@tasks.sin.loss": "mse"}
OPTIONS = options_of(CONFIG, CHOICES)
LOG = {"low": 1e-4, "high": 0.1, "log": True}


def test_words_say_what_was_drawn_as_they_are_typed() -> None:
    said = {"optimizer.lr": LOG, "encoder.hidden": [[8], [8, 8]], "arch.num_experts": [2, 4]}
    space = make_space(said, OPTIONS)
    drawn = {"optimizer.lr": 0.0123456, "encoder.hidden": 1, "arch.num_experts": 0}
    words = ["optimizer.lr=0.01235", "encoder.hidden=[8,8]", "arch.num_experts=2"]
    assert words_of(space, drawn) == words


def test_scaled_values_have_a_mean_of_1_and_keep_their_ratios() -> None:
    said = {"tasks.*.weight": {"low": 0.1, "high": 10.0, "log": True, "scaled": True}}
    space = make_space(said, OPTIONS)
    assert [own.key for own in space] == ["tasks.sin.weight", "tasks.cos.weight"]
    draw = random.Random(0)
    for _ in range(50):
        first, second = (10 ** draw.uniform(-1, 1) for _ in range(2))
        words = words_of(space, {"tasks.sin.weight": first, "tasks.cos.weight": second})
        sin, cos = (float(word.partition("=")[2]) for word in words)
        assert (sin + cos) / 2 == pytest.approx(1, abs=1e-3)
        assert sin / cos == pytest.approx(first / second, rel=1e-2)


def test_null_takes_a_range_out_again() -> None:
    said = {"optimizer.lr": LOG, "tasks.*.weight": [1.0, 2.0], "tasks.sin.weight": None}
    space = make_space(said, OPTIONS)
    assert [own.key for own in space] == ["optimizer.lr", "tasks.cos.weight"]


def test_a_part_can_be_searched_for() -> None:
    [own] = make_space({"arch": ["hps", "mmoe"]}, OPTIONS)
    assert (own.usual, own.drawn()) == ("mmoe", 1)
    assert words_of([own], {"arch": 0}) == ["arch=hps"]


def test_what_the_line_says_is_said() -> None:
    places = {"arch", "encoder"}
    assert said_in(["optimizer.lr=1"], "optimizer.lr", places)
    assert said_in(["+arch.x={a: 1}"], "arch.x.a", places)
    assert not said_in(["arch=mmoe", "optimizer.lr_x=1"], "arch.num_experts", places)


def checked_space(said) -> None:
    check_keys(said, [OPTIONS])
    make_space(said, OPTIONS)


@pytest.mark.parametrize(
    ("said", "rule", "fix"),
    [
        ({"optimizer.rl": LOG}, "must be an option of a setting", "study.space={optimizer.lr: {"),
        ({"tasks.*.wieght": LOG}, "must be an option of a setting", "tasks.sin.weight"),
        ({"seed": [1, 2]}, "must be an option of a setting", "study.space="),
        ({"optimizer.lr": []}, "must have two choices or more", "study.space={optimizer.lr: {"),
        ({"optimizer.lr": [0.1, 0.1]}, "must have two choices or more", "study.space="),
        ({"optimizer.lr": 0.1}, "must be a list of choices, or a mapping", "study.space="),
        ({"optimizer.lr": {"low": 1, "hihg": 2}}, "must be of low, high, log", "high in"),
        ({"optimizer.lr": {"low": 1}}, "must have low and high", "study.space="),
        ({"optimizer.lr": {"low": 1, "high": "x"}}, "must be a number", "study.space="),
        ({"optimizer.lr": {"low": 1, "high": 1}}, "must have a low below its high", "study.space="),
        ({"optimizer.lr": {"low": 2, "high": 1}}, "must have a low below its high", "study.space="),
        ({"optimizer.lr": {"low": 0, "high": 1, "log": True}}, "must be above 0", "study.space="),
        ({"optimizer.lr": {"low": 1, "high": 2, "log": 1}}, "must be true or false", "log: true"),
        ({"optimizer.lr": {"low": 1, "high": 2, "step": 3}}, "must be above 0, within", "leave"),
        ({"optimizer.lr": LOG | {"step": 0.01}}, "and is not with log", "leave step or log out"),
    ],
)
def test_what_is_no_range_is_said(said, rule, fix) -> None:
    with pytest.raises(Problem) as error:
        checked_space(said)
    assert rule in str(error.value)
    assert fix in error.value.fix


def test_an_option_that_some_settings_have_is_searched_in_these() -> None:
    less = {key: value for key, value in OPTIONS.items() if key != "arch.num_experts"}
    said = {"arch.num_experts": [2, 8]}
    check_keys(said, [less, OPTIONS])
    assert make_space(said, less) == []
    assert [own.key for own in make_space(said, OPTIONS)] == ["arch.num_experts"]
    assert "arch._partial_" not in OPTIONS
