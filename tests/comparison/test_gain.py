"""Gain is the formula, its interval is scipy's, ranks are scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, rankdata

from mtl_cli.comparison.gain import Gain, interval, mean_ranks, paired_gains, task_gains, total

FIGURE = st.floats(0.01, 100)


@given(st.lists(st.tuples(FIGURE, FIGURE, st.booleans()), min_size=1, max_size=5))
def test_gain_is_the_formula(rows: list[tuple[float, float, bool]]) -> None:
    m, b, up = zip(*rows, strict=True)
    names = [f"t{k}" for k in range(len(rows))]
    higher = dict(zip(names, up, strict=True))
    gains = task_gains(dict(zip(names, m, strict=True)), dict(zip(names, b, strict=True)), higher)
    s = np.where(up, 1, -1)
    expected = 100 / len(rows) * np.sum(s * (np.array(m) - np.array(b)) / np.abs(b))
    assert total(gains) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_positive_means_that_sharing_helps() -> None:
    assert total(task_gains({"a": 0.9}, {"a": 0.8}, {"a": True})) == pytest.approx(12.5)
    assert total(task_gains({"a": 0.9}, {"a": 0.8}, {"a": False})) == pytest.approx(-12.5)
    # a negative baseline, as R² can be: better is better still
    assert total(task_gains({"a": -0.2}, {"a": -0.4}, {"a": True})) == pytest.approx(50)


def test_a_baseline_of_0_is_not_divided_by() -> None:
    gains = task_gains({"a": 1.0, "b": 3.0}, {"a": 0.0, "b": 2.0}, {"a": True, "b": True})
    assert gains == {"a": None, "b": 50.0}
    assert total(gains) is None


def test_with_equal_seeds_the_paired_gains_average_to_gain() -> None:
    rng = np.random.default_rng(0)
    own, base = ({t: dict(enumerate(rng.uniform(1, 2, 4))) for t in "abc"} for _ in range(2))
    higher = {"a": True, "b": False, "c": True}
    pairs = paired_gains(own, base, higher)
    mean = {t: float(np.mean([*v.values()])) for t, v in own.items()}
    base_mean = {t: float(np.mean([*v.values()])) for t, v in base.items()}
    assert len(pairs) == 4
    assert np.mean(pairs) == pytest.approx(total(task_gains(mean, base_mean, higher)))


def test_only_seeds_of_both_and_of_all_tasks_are_paired() -> None:
    own = {"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 1.0, 2: 1.0}}
    base = {"a": {0: 1.0, 2: 1.0, 3: 1.0}, "b": {0: 1.0, 2: 1.0, 3: 1.0}, "c": {}}
    assert paired_gains(own, base, {"a": True, "b": True}) == [0.0, 100.0]


def test_the_interval_is_scipys_and_of_a_fixed_seed() -> None:
    values = [1.0, 4.0, 2.5, 3.0]
    reference = bootstrap(
        (np.array(values),),
        np.mean,
        n_resamples=999,
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    found = interval(values, 0.95, 999, 3)
    assert found == (reference.low, reference.high) == interval(values, 0.95, 999, 3)
    narrow = interval(values, 0.6, 999, 3)
    assert found[0] < narrow[0] < narrow[1] < found[1]  # type: ignore[operator]
    assert interval([2.0, 2.0, 2.0], 0.95, 999, 0) == (2.0, 2.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_under_three_pairs_nothing_is_said(values: list[float]) -> None:
    assert interval(values, 0.95, 999, 0) == (None, None)
    assert Gain({"a": 1.0}, 1.0, len(values), None, None).in_words == "not enough runs to say"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(1, 2, "helps: interval above 0"), (-2, -1, "hurts: interval below 0"), (-1, 1, "includes 0")],
)
def test_the_words_say_whether_the_interval_excludes_0(low: float, high: float, words: str) -> None:
    assert words in Gain({"a": 0.0}, 0.0, 3, low, high).in_words


def test_ranks_are_scipys_averaged_over_tasks() -> None:
    figures = [{"a": 1.0, "b": 5.0}, {"a": 2.0, "b": 5.0}, {"a": 2.0, "b": 1.0}]
    a = rankdata([figure["a"] for figure in figures])
    b = rankdata([-figure["b"] for figure in figures])
    assert mean_ranks(figures, {"a": False, "b": True}) == pytest.approx(list((a + b) / 2))
    assert mean_ranks([{"a": 1.0}, {}], {"a": True}) == [1.0, None]
