"""Two statistics beside Gain that few extreme runs cannot move.

Agarwal, Schwarzer, Castro, Courville & Bellemare, "Deep Reinforcement Learning at the Edge of the
Statistical Precipice", NeurIPS 2021, https://arxiv.org/abs/2108.13264, section 4.3.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

Values = Mapping[str, Sequence[float]]  # of each task, a figure a run

CUT = 0.25  # of the gains at either end, which the interquartile mean leaves out


def probability_of_improvement(
    figures: Values, baseline: Values, higher: Mapping[str, bool]
) -> float:
    """How probably a run of a setting is better than a run of its baseline, the mean over tasks.

    Of each task it is the share of all pairs of a run each, in which the setting's is better; a tie
    is half a pair (the statistic of Mann and Whitney).
    """
    shares = []
    for task, own in figures.items():
        other = baseline[task]
        wins = sum((a > b) == higher[task] for a in own for b in other if a != b)
        ties = sum(a == b for a in own for b in other)
        shares.append((wins + ties / 2) / (len(own) * len(other)))
    return statistics.mean(shares)


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean of the middle half of the values."""
    cut = int(CUT * len(values))
    return statistics.mean(sorted(values)[cut : len(values) - cut])
