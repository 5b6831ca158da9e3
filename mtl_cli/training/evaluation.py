"""Evaluation: each task's loss and metrics on a split."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import islice

import torch
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.device import place
from mtl_cli.basis.sums import Scalar, as_numbers, joint_mean
from mtl_cli.dataset.base import Loader
from mtl_cli.metric.measuring import Grouped, Remarking
from mtl_cli.model.mode import mode
from mtl_cli.model.model import Model
from mtl_cli.task.base import Task
from mtl_cli.training.scores import Scores
from mtl_cli.training.stand_in import StandIn
from mtl_cli.training.value import value_of

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
    scores = Scores(chosen, plots, numbers, device)
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
                groups = of_labelled(batch.groups, task, target, complete)
                scores.see(name, outputs[name], target, complete, groups)
            scores.end_batch()
    scores.merge()
    sums = {name: (as_numbers(means[name]), as_numbers(over[name])) for name in chosen}
    losses, found = together(sums, labelled)
    return ranks.of_first(
        {
            name: ({"loss": loss} if loss is not None and chosen[name].trained else {})
            | {n: value_of(m) for n, m in chosen[name].metrics.items()}
            for name, loss in losses.items()
            if name in found
        }
    )


def together(
    sums: Mapping[str, tuple[list[float], list[float]]], labelled: set[str]
) -> tuple[dict[str, float | None], set[str]]:
    """The mean loss of each task, None where nothing counts, and the tasks that have figures.

    Args:
        sums: ``{task: (means, denominators)}``, of each of this process's batches.
        labelled: the tasks with a label in one of them.
    """
    everybody = ranks.everybodys((sums, labelled))
    losses, found = {}, set()
    for name in sums:
        means = [mean for own, _ in everybody for mean in own[name][0]]
        over = [d for own, _ in everybody for d in own[name][1]]
        losses[name] = joint_mean(means, over)
        some = any(name in own for _, own in everybody)
        if some and (losses[name] is not None or not over):
            found.add(name)
    return losses, found


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
