"""Gain over all metrics of all tasks, as papers on maps average them, and where averages disagree.

Tasks of few metrics count as much as those of many where each task's metrics are averaged first
(Maninis et al., CVPR 2019; Vandenhende et al., "Multi-Task Learning for Dense Prediction Tasks: A
Survey", TPAMI 2021, eq. 10), and less where all figures count alike (Liu et al., "Conflict-Averse
Gradient Descent", NeurIPS 2021).
"""

from __future__ import annotations

import statistics

from mtl_cli.comparison.gain import Gain, gain_over
from mtl_cli.comparison.group import Group, Seeds

ALL = "all"  # a word for all metrics
KINDS = ("by each task's first metric", "by all metrics, task by task", "by all figures alike")


def gain_of_all(group: Group, base: Group) -> Gain | None:
    """Gain over the baseline, of each task the mean over its metrics; None where nothing is in
    common.

    Left out are metrics that do not say which way is better, those that one side lacks, and those
    of which the baseline is 0.
    """
    whole = of_figures(group, base)
    if whole is None:
        return None
    tasks: dict[str, list[float] | None] = {}
    for task in group.figures:
        there = [own for name, own in whole.tasks.items() if name in names(group, task) and own]
        tasks[task] = [statistics.mean(own) for own in zip(*there, strict=True)] or None
    return Gain(whole.seeds, tasks)


def averages(group: Group, base: Group, first: Gain | None) -> dict[str, float]:
    """Gain in percent by each way to average; empty where they are one, for there is one metric.

    Args:
        group: the setting.
        base: its baseline.
        first: Gain by each task's first metric, where there is one.
    """
    if all(len(names(group, task)) < 2 for task in group.figures):
        return {}
    by_task, alike = gain_of_all(group, base), of_figures(group, base)
    if by_task is None or alike is None:
        return {}
    known = [value for value in alike.per_task.values() if value is not None]
    found = (
        None if first is None else first.total,
        by_task.total,
        statistics.mean(known) if known else None,
    )
    return {kind: own for kind, own in zip(KINDS, found, strict=True) if own is not None}


def of_figures(group: Group, base: Group) -> Gain | None:
    """Gain of every figure, by ``task/metric``."""
    own: dict[str, Seeds] = {}
    other: dict[str, Seeds] = {}
    higher: dict[str, bool] = {}
    for task in group.figures:
        for name, metric in names(group, task).items():
            up = group.higher_is_better(task, metric)
            theirs = base.figures.get(task, {}).get(metric)
            if up is not None and theirs:
                own[name], other[name], higher[name] = group.figures[task][metric], theirs, up
    return gain_over(own, other, higher) if own else None


def names(group: Group, task: str) -> dict[str, str]:
    """``{task/metric: metric}`` of a task; of its loss where it has no other."""
    metrics = [metric for metric in group.figures[task] if metric != "loss"] or ["loss"]
    return {f"{task}/{metric}": metric for metric in metrics if metric in group.figures[task]}
