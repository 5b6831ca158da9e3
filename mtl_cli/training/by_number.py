"""Figures of each number of a task that has several, beside those of all of them together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from mtl_cli.task.base import Task
from mtl_cli.training.value import value_of

ByNumber = dict[str, dict[str, dict[str, float]]]  # {task: {number: {metric: value}}}


def start(tasks: Collection[Task], device: torch.device) -> None:
    """Forgets what the metrics of single numbers have seen."""
    for metrics in (own for task in tasks for own in task.numbers):
        for metric in metrics.values():
            metric.to(device).reset()


def update(task: Task, output: Tensor, target: Tensor) -> None:
    """Shows each number to its metrics, where it has a label in the batch."""
    for metrics, scored in zip(task.numbers, task.score_numbers(output, target), strict=True):
        for metric in metrics.values() if len(scored[1]) else ():
            metric.update(*scored)


def by_number(tasks: Mapping[str, Task], names: Mapping[str, Sequence[str]]) -> ByNumber:
    """What an evaluation that saw single numbers has found, of the tasks that have several.

    Args:
        tasks: by name.
        names: of each task's numbers; those of a task without names are called 1, 2, ...
    """
    found: ByNumber = {}
    for name, task in tasks.items():
        known = list(names.get(name, ()))
        if len(known) != len(task.numbers):
            known = [str(k + 1) for k in range(len(task.numbers))]
        figures = [{metric: value_of(m) for metric, m in own.items()} for own in task.numbers]
        if figures:
            found[name] = dict(zip(known, figures, strict=True))
    return found
