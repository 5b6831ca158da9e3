"""When a trial is given up: it is worse than the median of those before, in everything.

Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.1.1, have
the rule for one figure; Optuna has it as its ``MedianPruner``, and prunes no search for several.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

ByEpoch = Mapping[int, Sequence[float]]  # {epoch: [K]}, lower is better


def falls_behind(own: ByEpoch, others: Sequence[ByEpoch], after: int, first_epoch: int) -> bool:
    """Whether a trial's best values so far are worse than the others' medians, all K of them.

    ``min_{e <= t} x_k(e) > median_i y_ik(t)`` for each k, where t is the last epoch of x. A value
    that is not finite is worse than any. Of one figure this is Optuna's rule.

    Args:
        own: the trial's figures so far.
        others: those of the finished trials; some have stopped before this epoch.
        after: so many of them have to be there.
        first_epoch: before it no trial is given up.
    """
    epoch = max(own, default=0)
    there = [other[epoch] for other in others if epoch in other]
    if epoch < first_epoch or len(others) < after or not there:
        return False
    best = [min(map(finite, column)) for column in zip(*own.values(), strict=True)]
    medians = [statistics.median(map(finite, column)) for column in zip(*there, strict=True)]
    return all(mine > median for mine, median in zip(best, medians, strict=True))


def finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
