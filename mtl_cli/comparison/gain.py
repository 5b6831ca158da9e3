"""What sharing gains over the baseline, seed by seed, and mean ranks.

Maninis, Radosavovic & Kokkinos, "Attentive Single-Tasking of Multiple Tasks", CVPR 2019,
https://arxiv.org/abs/1904.08918; papers on weightings report it with the sign turned, as a drop
(Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mtl_cli.comparison.robust import interquartile_mean, probability_of_improvement
from mtl_cli.comparison.verdict import Verdict

BySeed = Mapping[str, Mapping[int, float]]  # {task: {seed: value}}


@dataclass(frozen=True)
class Wider:
    """Single-task of a joint model's size.

    Args:
        words: its setting.
        parameters: it has.
        total: the joint model's Gain over it, in percent.
        word: the verdict on that.
    """

    words: str
    parameters: int
    total: float | None
    word: str


@dataclass
class Gain:
    """``(100 / K) sum_k s_k (M_k - B_k) / |B_k|``, s = +1 where higher is better, else -1.

    Positive: sharing helps. ``M`` and ``B`` are means over the seeds that both sides have, so that
    Gain is the mean of what each of these seeds gains (with ``|B_k|`` as it is), and its interval
    is one of that mean.

    Args:
        seeds: that both sides have, of all tasks.
        tasks: each task's gain in percent, by seed; None where the baseline is 0.
        learned: which tasks at least one of the sides learned; None: nobody knows.
        only_by: of tasks that none learned, other metrics that beat the floor, on how many seeds.
        whole: the verdict on all tasks together; None where there is none.
        by_task: verdicts on single tasks, in place of one on the whole.
        others: other metrics by which the verdict would be another one, with that verdict's word.
        averages: Gain by each way to average figures, in percent, where tasks have several metrics.
        published: whether figures are those of the last epochs, on which no verdict is given.
        wider: how it compares with single-task of its size, where it is larger than its baseline.
        improvement: how probably a run of it is better than one of the baseline, 0 to 1.
    """

    seeds: list[int]
    tasks: dict[str, list[float] | None]
    learned: dict[str, bool | None] = field(default_factory=dict)
    only_by: dict[str, dict[str, int]] = field(default_factory=dict)
    whole: Verdict | None = None
    by_task: dict[str, Verdict] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    averages: dict[str, float] = field(default_factory=dict)
    published: bool = False
    wider: Wider | None = None
    improvement: float | None = None

    @property
    def per_task(self) -> dict[str, float | None]:
        """Each task's part before the mean, in percent; None where the baseline is 0."""
        return {
            task: statistics.mean(values) if values else None for task, values in self.tasks.items()
        }

    @property
    def by_seed(self) -> list[float]:
        """Gain of each seed, in percent; empty where a task's part is missing."""
        if not all(self.tasks.values()):
            return []
        parts = [values for values in self.tasks.values() if values]
        return [statistics.mean(own) for own in zip(*parts, strict=True)]

    @property
    def total(self) -> float | None:
        """Gain, in percent; None where a task's part is missing."""
        return statistics.mean(self.by_seed) if self.by_seed else None

    @property
    def middle(self) -> float | None:
        """The mean of the middle half of all tasks' gains on all seeds, in percent."""
        parts = [value for values in self.tasks.values() for value in values or ()]
        return interquartile_mean(parts) if parts and all(self.tasks.values()) else None

    @property
    def pairs(self) -> int:
        """Seeds that both sides have."""
        return len(self.seeds)

    @property
    def disagree(self) -> bool:
        """Whether one way to average says that sharing helps, and another that it hurts."""
        return len({value > 0 for value in self.averages.values() if value != 0}) > 1

    @property
    def nothing_learned(self) -> bool:
        return bool(self.learned) and all(known is False for known in self.learned.values())

    @property
    def low(self) -> float | None:
        return None if self.whole is None else self.whole.low

    @property
    def high(self) -> float | None:
        return None if self.whole is None else self.whole.high

    @property
    def word(self) -> str:
        """The verdict in a word or two."""
        if self.published:
            return "no verdict"
        if self.nothing_learned:
            return "nothing was learned"
        if self.whole is not None:
            return self.whole.word
        if self.by_task:
            own = "; ".join(f"{task}: {own.word}" for task, own in self.by_task.items())
            return f"no verdict; {own}"
        undivided = self.seeds and None in self.tasks.values()  # a baseline that is 0
        return "no Gain" if undivided or not self.tasks else "not enough runs to say"


def gain_over(figures: BySeed, baseline: BySeed, higher: Mapping[str, bool]) -> Gain:
    """Gain for the seeds that all tasks of both have.

    Args:
        figures: of a setting.
        baseline: the same of the baseline, for at least these tasks.
        higher: whether higher is better, for each task.
    """
    seeds = sorted(
        set.intersection(*({*values} & {*baseline[task]} for task, values in figures.items()))
    )
    gains = {
        task: improvements(
            [values[seed] for seed in seeds], [baseline[task][seed] for seed in seeds], higher[task]
        )
        for task, values in figures.items()
    }
    improvement = None
    if seeds:
        own, other = (
            {task: [side[task][seed] for seed in seeds] for task in figures}
            for side in (figures, baseline)
        )
        improvement = probability_of_improvement(own, other, higher)
    return Gain(seeds, gains, improvement=improvement)


def improvements(
    figures: Sequence[float], baseline: Sequence[float], higher: bool
) -> list[float] | None:
    """``100 s (M_i - B_i) / |B|`` of each seed, in percent; None where the mean ``B`` is 0."""
    size = abs(statistics.mean(baseline)) if baseline else 0.0
    if size == 0:
        return None
    sign = 1 if higher else -1
    return [100 * sign * (m - b) / size for m, b in zip(figures, baseline, strict=True)]


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
