"""Evaluation: each task's loss and metrics on a split."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.device import place
from mtl_cli.basis.sums import Scalar, as_numbers, joint_mean
from mtl_cli.dataset.base import Loader
from mtl_cli.metric.measuring import Grouped, Remarking, update_each
from mtl_cli.model.mode import mode
from mtl_cli.model.model import Model
from mtl_cli.task.base import Task
from mtl_cli.training import by_number
from mtl_cli.training.stand_in import StandIn
from mtl_cli.training.value import value_of

if TYPE_CHECKING:
    pass

# {task: {metric: value}}, the unweighted ``loss`` first, where the task has one; NaN: the metric
# has no value there.
Figures = dict[str, dict[str, float]]


@torch.no_grad()
def evaluate(
    model: Model | StandIn,
    loader: Loader,
    tasks: Collection[str],
    device: torch.device,
    max_batches: int | None = None,
    plots: bool = False,
    numbers: bool = False,
) -> Figures:
    """The mean loss over the labels, and the metrics, of those of ``tasks`` that have a label in
    the split whose weight is not 0.

    With ``plots``, the tasks' metrics that draw themselves see the split too; with ``numbers``,
    those of each of several numbers, which `by_number` reads.
    """
    chosen = {name: task for name, task in model.tasks.items() if name in tasks}
    updated = {
        name: [*task.metrics.values(), *(task.plots.values() if plots else ())]
        for name, task in chosen.items()
    }
    for metrics in updated.values():
        for metric in metrics:
            metric.to(device).reset()
    by_number.start(chosen.values() if numbers else (), device)
    means: dict[str, list[Tensor]] = {name: [] for name in chosen}
    over: dict[str, list[Scalar]] = {name: [] for name in chosen}
    labelled: set[str] = set()
    with mode(model, training=False):
        for batch in islice(loader.batches(1), max_batches):
            outputs = model(to_device(batch.inputs, device), with_read(model.tasks, chosen))
            for name in outputs:
                if name not in batch.targets or name not in chosen:
                    continue
                task, target = chosen[name], place(batch.targets[name], device)
                complete = name in batch.complete
                some = complete or bool(task.is_labelled(target).any())
                if not some and not task.over_rows:
                    continue
                weights = batch.weights.get(name)
                others = [outputs[other] for other in task.reads if other in outputs]
                if len(others) == len(task.reads):
                    mean, denominator = task.loss(outputs[name], target, complete, weights, others)
                    means[name].append(mean)
                    over[name].append(denominator)
                if not some:
                    continue
                labelled.add(name)
                prediction, label = task.score(outputs[name], target, complete)
                groups = of_labelled(batch.groups, task, target, complete)
                update_each(updated[name], prediction, label, groups)
                if numbers:
                    by_number.update(task, outputs[name], target)
    losses = {name: joint_mean(as_numbers(means[name]), as_numbers(over[name])) for name in chosen}
    return {
        name: ({"loss": loss} if loss is not None and chosen[name].trained else {})
        | {n: value_of(m) for n, m in chosen[name].metrics.items()}
        for name, loss in losses.items()
        if name in labelled and (loss is not None or not over[name])
    }


def of_labelled(
    groups: Mapping[str, Tensor], task: Task, target: Tensor, complete: bool
) -> dict[str, Tensor]:
    """The groups of the rows with a label, where a metric of the task is by them."""
    asked = {own.by for own in task.metrics.values() if isinstance(own, Grouped)}
    found = {by: place(groups[by], target.device) for by in asked & groups.keys()}
    if complete or not found:
        return found
    there = task.is_labelled(target)
    return {by: codes[there] for by, codes in found.items()}


def remarks(tasks: Mapping[str, Task]) -> dict[str, str]:
    """What metrics say beside the numbers of the last evaluation, ``{task/metric: a remark}``."""
    return {
        f"{name}/{metric}": said
        for name, task in tasks.items()
        for metric, own in task.metrics.items()
        if isinstance(own, Remarking) and (said := own.remark()) is not None
    }


def total_loss(tasks: Mapping[str, Task], figures: Figures) -> float:
    """The sum over the tasks of weight times loss."""
    losses = {task: values["loss"] for task, values in figures.items() if "loss" in values}
    return math.fsum(tasks[task].weight * loss for task, loss in losses.items())


def with_read(tasks: Mapping[str, Task], wanted: Collection[str]) -> Collection[str]:
    """The tasks, and those whose outputs their losses read."""
    read = [other for name in wanted for other in tasks[name].reads]
    return [*wanted, *read] if read else wanted


def to_device(inputs: dict[str, Examples], device: torch.device) -> dict[str, Examples]:
    """The inputs on the device (where they usually are already)."""
    return {name: x.to(device) for name, x in inputs.items()}
