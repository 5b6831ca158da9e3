"""The statistics beside Gain are those of SciPy, and a name of seeds is one that tells."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mtl_cli.comparison.robust import interquartile_mean, probability_of_improvement
from mtl_cli.comparison.verdict import Differences, verdicts

FIGURES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=9)


@given(own=FIGURES, other=FIGURES, higher=st.booleans())
def test_improvement_is_the_statistic_of_mann_and_whitney(own, other, higher) -> None:
    sides = (own, other) if higher else (other, own)
    wanted = stats.mannwhitneyu(*sides).statistic / (len(own) * len(other))
    found = probability_of_improvement({"a": own}, {"a": other}, {"a": higher})
    assert found == pytest.approx(wanted)


@given(FIGURES)
def test_the_middle_half_is_a_trimmed_mean(values) -> None:
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
def test_so_many_seeds_tell_eight_times_of_ten(size) -> None:
    values = [size - 1.0, size, size + 1.0]  # of spread 1
    needed = Differences(values, 0.0).seeds_that_tell(size, 0.05)
    draws = np.random.default_rng(0).normal(size, 1.0, (4000, int(needed)))
    told = np.mean([Differences(list(own), 0.0).p_value() <= 0.05 for own in draws])
    assert told > 0.78
    if needed > 5:  # of few seeds one more adds a lot
        assert told < 0.9
    fewer = Differences(values, 0.0).seeds_that_tell(size, 0.2)
    assert fewer < needed


def test_rows_that_are_shared_may_never_tell() -> None:
    values = [-1.0, 0.2, 1.0]
    assert math.isinf(Differences(values, 0.25).seeds_that_tell(0.1, 0.05))
    assert math.isinf(Differences([0.5, 0.5, 0.5], 0.0).seeds_that_tell(0.5, 0.05))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.1, 0.2, 0.0, 0.15], "makes no difference"),
        ([0.3, 0.31, 0.32, 0.3], "makes no difference"),  # it is there, and does not matter
        ([3.0, 3.1, 3.2, 3.0], "helps"),
        ([-0.9, 0.8, 0.1, -0.2], "cannot say"),
    ],
)
def test_what_is_smaller_than_matters_makes_no_difference(values, word) -> None:
    [verdict] = verdicts([Differences(values, 0.0)], 0.95, negligible=0.5)
    assert verdict.word == word


def test_claims_of_no_difference_hold_together() -> None:
    """Of ten differences just large enough to matter, in few reports is one called none."""
    draws = np.random.default_rng(1).normal(0.5, 0.3, (300, 10, 5))
    wrong = sum(
        any(
            own.word == "makes no difference"
            for own in verdicts([Differences(list(d), 0.0) for d in ten], 0.95, 0.5)
        )
        for ten in draws
    )
    assert wrong / len(draws) <= 0.05
