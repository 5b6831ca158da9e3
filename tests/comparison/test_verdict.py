"""Verdicts: scipy's t, Holm's order, and how often they are wrong where there is nothing to say."""

import math

import numpy as np
import pytest
from scipy import stats

from mtl_cli.comparison.verdict import Differences, holm_levels, verdict_at, verdicts


def test_on_a_given_split_it_is_the_usual_t_test() -> None:
    values = [1.0, 4.0, 2.5, 3.0, -0.5]
    own, reference = Differences(values, 0.0), stats.ttest_1samp(values, 0)
    assert own.p_value() == pytest.approx(reference.pvalue)
    assert own.interval(0.05) == pytest.approx(tuple(reference.confidence_interval(0.95)))


def test_on_splits_dealt_anew_the_variance_is_nadeau_and_bengios() -> None:
    values, n_test, n_train = [1.0, 4.0, 2.5, 3.0], 20, 70
    error = math.sqrt((1 / 4 + n_test / n_train) * np.var(values, ddof=1))
    expected = stats.t.interval(0.9, 3, loc=np.mean(values), scale=error)
    assert Differences(values, n_test / n_train).interval(0.1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "word"),
    [([5.0, 5.1, 4.9], "helps"), ([-5.0, -5.1, -4.9], "hurts"), ([5.0, -5.0, 1.0], "cannot say")],
)
def test_words_say_where_the_interval_is(values, word) -> None:
    verdict = verdict_at(Differences(values, 0.0), 0.05)
    assert verdict.word == word
    assert (verdict.low > 0) == (word == "helps")
    assert (verdict.high < 0) == (word == "hurts")


def test_seeds_that_change_nothing_say_nothing() -> None:
    assert verdict_at(Differences([2.0, 2.0, 2.0], 0.0), 0.05).word == "cannot say"


def test_holm_tests_the_smallest_first_and_stops_at_the_first_that_stands() -> None:
    assert holm_levels([0.04, 0.001, 0.03, 0.02], 0.05) == pytest.approx(
        [0.05 / 3, 0.05 / 4, 0.05 / 3, 0.05 / 3]
    )
    assert holm_levels([0.01, 0.02], 0.05) == pytest.approx([0.025, 0.05])
    one = Differences([3.0, 3.5, 2.9, 3.2], 0.0)
    many = verdicts([one, *[Differences([1.0, -1.0, 0.5], 0.0)] * 9], 0.95)
    assert many[0].confidence == pytest.approx(0.995)
    assert [own.word for own in many[1:]] == ["cannot say"] * 9


NOISE = {
    "normal": lambda rng, size: rng.normal(size=size),
    "t3": lambda rng, size: rng.standard_t(3, size=size),
    "lognormal": lambda rng, size: rng.lognormal(size=size),
}


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("noise", NOISE)
def test_equal_sides_get_a_verdict_in_6_of_100_reports_at_most(noise, n) -> None:
    """Both sides' figures have the same noise, so that their differences are symmetric."""
    rng = np.random.default_rng(7)
    m, b = (NOISE[noise](rng, (20_000, n)) for _ in range(2))
    d = m - b
    t = d.mean(1) / (d.std(1, ddof=1) / math.sqrt(n))
    wrong = np.mean(2 * stats.t.sf(np.abs(t), n - 1) <= 0.05)
    ours = np.mean(
        [verdict_at(Differences(row, 0.0), 0.05).word != "cannot say" for row in d[:2000]]
    )
    assert wrong <= 0.06
    assert ours == pytest.approx(wrong, abs=0.015)


@pytest.mark.parametrize("folds", [False, True])
def test_equal_learners_on_splits_dealt_anew_get_a_verdict_in_6_of_100_at_most(folds) -> None:
    """Each of two learners predicts the mean of its own half of the train rows' columns: alike in
    distribution, on splits that share most of their rows, drawn or folds of three deals. Without
    the correction it would be more.
    """
    rng = np.random.default_rng(3)
    n_rows, n_test, seeds, reports = 300, 60, 5, 600
    wrong = {True: 0, False: 0}
    for _ in range(reports):
        x = rng.normal(size=(n_rows, 2))
        y = x.sum(1) + rng.normal(size=n_rows)
        values = []
        for seed in range(3 * seeds if folds else seeds):
            if not folds or seed % seeds == 0:
                order = rng.permutation(n_rows)
            order = np.roll(order, n_test)  # the next fold of the deal
            test, train = order[:n_test], order[n_test:]
            errors = []
            for column in range(2):
                slope, shift = np.polyfit(x[train, column], y[train], 1)
                errors.append(np.mean((slope * x[test, column] + shift - y[test]) ** 2))
            values.append(errors[0] - errors[1])
        for corrected in wrong:
            overlap = n_test / (n_rows - n_test) if corrected else 0.0
            wrong[corrected] += verdict_at(Differences(values, overlap), 0.05).word != "cannot say"
    assert wrong[True] / reports <= 0.06 + 0.02
    assert wrong[False] > 2 * wrong[True]
