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


@dataclass(frozen=True)
class Verdict:
    """What is said, and the interval by which it is: both at Holm's level.

    Args:
        word: ``helps``, ``hurts`` or ``cannot say``.
        low: the interval's lower end, in percent.
        high: its upper end.
        confidence: of the interval, 0 to 1.
        doubt: why it cannot say what the interval alone would; empty where it says that.
    """

    word: str
    low: float
    high: float
    confidence: float
    doubt: str = ""


def verdicts(all_differences: Sequence[Differences], confidence: float) -> list[Verdict]:
    """The verdicts of a report, of which with probability ``confidence`` none is wrong."""
    levels = holm_levels([own.p_value() for own in all_differences], 1 - confidence)
    return [verdict_at(own, level) for own, level in zip(all_differences, levels, strict=True)]


def verdict_at(differences: Differences, level: float) -> Verdict:
    """The verdict of one interval of confidence ``1 - level``."""
    low, high = differences.interval(level)
    word = "cannot say"
    if differences.p_value() <= level:
        word = "helps" if differences.mean > 0 else "hurts"
    doubt = "no seed differs from another" if differences.error == 0 else ""
    return Verdict(word, low, high, 1 - level, doubt)


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
