"""What differences over seeds let one say: helps, hurts, or cannot say.

The interval is Student's t. Seeds that deal the rows anew train on overlapping rows, so that their
differences vary less than those of new data would: their variance is taken as
``s^2 (1 / n + n_test / n_train)`` (Nadeau & Bengio, "Inference for the Generalization Error",
Machine Learning 52, 2003, https://doi.org/10.1023/A:1024068626366, section 5). On a split that is
given it is ``s^2 / n``, and speaks of that split alone. Where one report gives several verdicts,
they hold together: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
Journal of Statistics 6(2), 1979.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH = 3  # pairs of seeds, under which nothing is said
POWER = 0.8  # with which so many seeds as are named would tell
MOST = 1000  # seeds, above which it is not worth counting


@dataclass(frozen=True)
class Differences:
    """What each of some seeds gains.

    Args:
        values: one a seed, at least `ENOUGH`; positive: better than the baseline.
        overlap: ``n_test / n_train`` where every seed deals the rows anew, 0 on a given split.
    """

    values: Sequence[float]
    overlap: float

    @property
    def mean(self) -> float:
        return statistics.mean(self.values)

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        n = len(self.values)
        return statistics.stdev(self.values) * math.sqrt(1 / n + self.overlap)

    def p_value(self) -> float:
        """Two-sided, of the mean being 0."""
        if self.error == 0:  # no seed differs from another: nothing is known of the spread
            return 1.0
        from scipy.special import stdtr

        return float(2 * stdtr(len(self.values) - 1, -abs(self.mean) / self.error))

    def interval(self, level: float) -> tuple[float, float]:
        """Of the mean; 0 is outside with probability ``level`` where the mean is 0."""
        from scipy.special import stdtrit

        reach = float(stdtrit(len(self.values) - 1, 1 - level / 2)) * self.error
        return self.mean - reach, self.mean + reach

    def seeds_that_tell(self, size: float, level: float) -> float:
        """How many seeds would show a difference of some size, 8 times of 10, if they spread as
        these do; infinite where no number of them does, since their rows are the same.

        The smallest n with ``size >= (t(1 - level / 2) + t(0.8)) s sqrt(1 / n + overlap)``, t being
        Student's quantiles with n - 1 degrees of freedom (Cohen, "Statistical Power Analysis for
        the Behavioral Sciences", 1988, chapter 2, in place of whose tables).
        """
        if self.error == 0 or size == 0:
            return math.inf
        from scipy.special import stdtrit

        spread = statistics.stdev(self.values)
        for n in range(ENOUGH, MOST + 1):
            reach = stdtrit(n - 1, 1 - level / 2) + stdtrit(n - 1, POWER)
            if size >= reach * spread * math.sqrt(1 / n + self.overlap):
                return n
        return math.inf


@dataclass(frozen=True)
class Verdict:
    """What is said, and the interval by which it is: both at Holm's level.

    Args:
        word: ``helps``, ``hurts``, ``cannot say``, or ``makes no difference`` where the whole
            interval is negligible.
        low: the interval's lower end, in percent.
        high: its upper end.
        confidence: of the interval, 0 to 1.
        doubt: why it cannot say what the interval alone would; empty where it says that.
        seeds: how many would tell a difference of this size; infinite where none would.
    """

    word: str
    low: float
    high: float
    confidence: float
    doubt: str = ""
    seeds: float = math.inf


def verdicts(
    all_differences: Sequence[Differences], confidence: float, negligible: float = 0.0
) -> list[Verdict]:
    """The verdicts of a report, of which with probability ``confidence`` none is wrong.

    Where some differences are negligible, each interval is at Bonferroni's level in place of
    Holm's: then all of them cover together, and so hold whatever is read from them.

    Args:
        all_differences: of the settings, or of their tasks.
        confidence: 0 to 1.
        negligible: the size below which a difference does not matter, in percent; 0: each matters.
    """
    if negligible > 0:
        levels = [(1 - confidence) / len(all_differences)] * len(all_differences)
    else:
        levels = holm_levels([own.p_value() for own in all_differences], 1 - confidence)
    return [
        verdict_at(own, level, negligible)
        for own, level in zip(all_differences, levels, strict=True)
    ]


def verdict_at(differences: Differences, level: float, negligible: float = 0.0) -> Verdict:
    """The verdict of one interval of confidence ``1 - level``."""
    low, high = differences.interval(level)
    doubt = "no seed differs from another" if differences.error == 0 else ""
    word = "cannot say"
    if not doubt and max(-low, high) < negligible:
        word = "makes no difference"
    elif differences.p_value() <= level:
        word = "helps" if differences.mean > 0 else "hurts"
    seeds = differences.seeds_that_tell(negligible or abs(differences.mean), level)
    return Verdict(word, low, high, 1 - level, doubt, seeds)


def percent(confidence: float) -> str:
    """The confidence of an interval in words: ``97.5 %``."""
    return f"{100 * confidence:.4g} %"


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level at which Holm's procedure tests each of several hypotheses.

    From the smallest p on, of m that are left at ``alpha / m``; those after the first one that
    stands are not tested any more, and share its level, at which they stand too.
    """
    levels = [0.0] * len(p_values)
    level, stopped = alpha, False
    for place, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if not stopped:
            level = alpha / (len(p_values) - place)
            stopped = p_values[i] > level
        levels[i] = level
    return levels
