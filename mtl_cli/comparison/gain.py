"""What sharing gains: Gain over the baseline, its bootstrap interval over seeds, and mean ranks.

Maninis, Radosavovic & Kokkinos, "Attentive Single-Tasking of Multiple Tasks", CVPR 2019,
https://arxiv.org/abs/1904.08918; papers on weightings report it with the sign turned, as a drop
(Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022). Efron, "Bootstrap Methods:
Another Look at the Jackknife", Annals of Statistics 7(1), 1979.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ENOUGH = 3  # pairs of seeds, under which nothing is said


@dataclass(frozen=True)
class Gain:
    """``(100 / K) sum_k s_k (M_k - B_k) / |B_k|``, s = +1 where higher is better, else -1.

    Positive: sharing helps. ``M`` and ``B`` are means over seeds. The interval is of the mean over
    the seeds that both have, of the same sum with each seed's ``M_k - B_k`` (and ``|B_k|`` as
    before, so that with equal seeds the mean over them is Gain itself).

    Args:
        per_task: each task's part before the mean, in percent; None where the baseline is 0.
        total: Gain, in percent; None where a task's part is missing.
        pairs: seeds that both have.
        low: the interval's lower end, in percent; None under `ENOUGH` pairs.
        high: its upper end.
    """

    per_task: dict[str, float | None]
    total: float | None
    pairs: int
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool | None:
        """Whether the interval excludes 0; None where there is no interval."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    @property
    def in_words(self) -> str:
        if self.excludes_zero is None:
            return "not enough runs to say" if self.total is not None else "no Gain"
        if not self.excludes_zero:
            return "cannot say: interval includes 0"
        above = self.low is not None and self.low > 0
        return "helps: interval above 0" if above else "hurts: interval below 0"


def task_gains(
    figures: Mapping[str, float], baseline: Mapping[str, float], higher: Mapping[str, bool]
) -> dict[str, float | None]:
    """Each task's relative improvement in percent; None where the baseline is 0."""
    return {
        task: improvement(value - baseline[task], baseline[task], higher[task])
        for task, value in figures.items()
    }


def improvement(difference: float, baseline: float, higher: bool) -> float | None:
    if baseline == 0:
        return None
    return 100 * (1 if higher else -1) * difference / abs(baseline)


def total(gains: Mapping[str, float | None]) -> float | None:
    """The mean over the tasks, None where a part is missing."""
    parts = [gain for gain in gains.values() if gain is not None]
    return statistics.mean(parts) if parts and len(parts) == len(gains) else None


def paired_gains(
    figures: Mapping[str, Mapping[int, float]],
    baseline: Mapping[str, Mapping[int, float]],
    higher: Mapping[str, bool],
) -> list[float]:
    """Gain for each seed that all tasks of both have, relative to the baseline's means.

    Args:
        figures: ``{task: {seed: value}}``.
        baseline: the same of the baseline, for at least these tasks.
        higher: whether higher is better, for each task.
    """
    seeds = set.intersection(*({*values} & {*baseline[task]} for task, values in figures.items()))
    means = {task: statistics.mean(baseline[task].values()) for task in figures}
    gains = [
        total(
            {
                task: improvement(values[seed] - baseline[task][seed], means[task], higher[task])
                for task, values in figures.items()
            }
        )
        for seed in sorted(seeds)
    ]
    return [gain for gain in gains if gain is not None]


def interval(
    values: Sequence[float], confidence: float, resamples: int, seed: int
) -> tuple[float, float] | tuple[None, None]:
    """The percentile bootstrap interval of the mean; none for fewer than `ENOUGH` values."""
    if len(values) < ENOUGH:
        return None, None
    if len(set(values)) == 1:
        return values[0], values[0]
    import numpy as np
    from scipy.stats import bootstrap

    found = bootstrap(
        (np.asarray(values),),
        np.mean,
        confidence_level=confidence,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def mean_ranks(
    figures: Sequence[Mapping[str, float]], higher: Mapping[str, bool]
) -> list[float | None]:
    """For each of several settings, its mean rank over its tasks; 1 is the best, ties share.

    Args:
        figures: ``{task: value}`` of each setting.
        higher: whether higher is better; other tasks are not ranked.
    """
    ranks: list[list[float]] = [[] for _ in figures]
    for task, up in higher.items():
        there = [i for i, values in enumerate(figures) if task in values]
        for i in there:
            own = figures[i][task]
            better = sum((figures[j][task] > own) == up for j in there if figures[j][task] != own)
            ties = sum(figures[j][task] == own for j in there)
            ranks[i].append(better + (ties + 1) / 2)
    return [statistics.mean(own) if own else None for own in ranks]
