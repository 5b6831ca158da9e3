"""Gain is the formula, and ranks are scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from mtl_cli.comparison.gain import gain_over, mean_ranks

FIGURE = st.floats(0.01, 100)


def one_seed(figures, baseline, higher):
    own, base = ({task: {0: value} for task, value in side.items()} for side in (figures, baseline))
    return gain_over(own, base, higher)


@given(st.lists(st.tuples(FIGURE, FIGURE, st.booleans()), min_size=1, max_size=5))
def test_gain_is_the_formula(rows: list[tuple[float, float, bool]]) -> None:
    m, b, up = zip(*rows, strict=True)
    names = [f"t{k}" for k in range(len(rows))]
    gain = one_seed(*(dict(zip(names, values, strict=True)) for values in (m, b, up)))
    s = np.where(up, 1, -1)
    expected = 100 / len(rows) * np.sum(s * (np.array(m) - np.array(b)) / np.abs(b))
    assert gain.total == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_positive_means_that_sharing_helps() -> None:
    assert one_seed({"a": 0.9}, {"a": 0.8}, {"a": True}).total == pytest.approx(12.5)
    assert one_seed({"a": 0.9}, {"a": 0.8}, {"a": False}).total == pytest.approx(-12.5)
    # a negative baseline, as R² can be: better is better still
    assert one_seed({"a": -0.2}, {"a": -0.4}, {"a": True}).total == pytest.approx(50)


def test_a_baseline_of_0_is_not_divided_by() -> None:
    gain = one_seed({"a": 1.0, "b": 3.0}, {"a": 0.0, "b": 2.0}, {"a": True, "b": True})
    assert gain.per_task == {"a": None, "b": 50.0}
    assert gain.total is None


def test_gain_is_the_mean_of_what_each_seed_gains() -> None:
    rng = np.random.default_rng(0)
    own, base = ({t: dict(enumerate(rng.uniform(1, 2, 4))) for t in "abc"} for _ in range(2))
    higher = {"a": True, "b": False, "c": True}
    gain = gain_over(own, base, higher)
    m, b = (np.array([[*v.values()] for v in side.values()]) for side in (own, base))
    s = np.array([[1], [-1], [1]])
    expected = 100 * s * (m - b) / b.mean(1, keepdims=True)
    assert gain.seeds == [0, 1, 2, 3]
    assert gain.by_seed == pytest.approx(list(expected.mean(0)))
    assert gain.total == pytest.approx(expected.mean())
    assert [*gain.per_task.values()] == pytest.approx(list(expected.mean(1)))


def test_only_seeds_of_both_and_of_all_tasks_are_paired() -> None:
    own = {"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 1.0, 2: 1.0}}
    base = {"a": {0: 1.0, 2: 1.0, 3: 1.0}, "b": {0: 1.0, 2: 1.0, 3: 1.0}, "c": {}}
    gain = gain_over(own, base, {"a": True, "b": True})
    assert gain.seeds == [0, 2]
    assert gain.by_seed == [0.0, 100.0]
    assert gain_over({"a": {0: 1.0}}, {"a": {1: 1.0}}, {"a": True}).total is None


def test_ranks_are_scipys_averaged_over_tasks() -> None:
    figures = [{"a": 1.0, "b": 5.0}, {"a": 2.0, "b": 5.0}, {"a": 2.0, "b": 1.0}]
    a = rankdata([figure["a"] for figure in figures])
    b = rankdata([-figure["b"] for figure in figures])
    assert mean_ranks(figures, {"a": False, "b": True}) == pytest.approx(list((a + b) / 2))
    assert mean_ranks([{"a": 1.0}, {}], {"a": True}) == [1.0, None]
