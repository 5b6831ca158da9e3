"""Evaluation: each task's loss and metrics on a split."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import islice

import torch
from torch import Tensor

from mtl_cli.batch import Examples
from mtl_cli.dataset.base import Loader
from mtl_cli.mode import mode
from mtl_cli.model import Model
from mtl_cli.task.base import Task

Figures = dict[str, dict[str, float]]  # {task: {metric: value}}, the unweighted ``loss`` first


@torch.no_grad()
def evaluate(
    model: Model,
    loader: Loader,
    tasks: Collection[str],
    device: torch.device,
    max_batches: int | None = None,
    plots: bool = False,
) -> Figures:
    """The mean loss over the labelled examples, and the metrics, of those of ``tasks`` that have
    a label in the split.

    With ``plots``, the tasks' metrics that draw themselves see the split too.
    """
    chosen = {name: task for name, task in model.tasks.items() if name in tasks}
    updated = {
        name: [*task.metrics.values(), *(task.plots.values() if plots else ())]
        for name, task in chosen.items()
    }
    for metrics in updated.values():
        for metric in metrics:
            metric.to(device).reset()
    sums: dict[str, list[Tensor]] = {name: [] for name in chosen}
    counts = dict.fromkeys(chosen, 0)
    with mode(model, training=False):
        for batch in islice(loader.batches(1), max_batches):
            outputs = model(to_device(batch.inputs, device), chosen)
            for name in outputs:
                if name not in batch.targets:
                    continue
                task, target = chosen[name], batch.targets[name].to(device)
                complete = name in batch.complete
                weights = batch.weights.get(name)
                loss, count = task.loss(outputs[name], target, complete, weights)
                if count:
                    sums[name].append(loss * count)
                    counts[name] += count
                    prediction, label = task.score(outputs[name], target, complete)
                    for metric in updated[name]:
                        metric.update(prediction, label)
    return {
        name: {"loss": float(torch.stack(sums[name]).cpu().double().sum()) / counts[name]}
        | {n: float(metric.compute()) for n, metric in task.metrics.items()}
        for name, task in chosen.items()
        if counts[name]
    }


def total_loss(tasks: Mapping[str, Task], figures: Figures) -> float:
    """The sum over the tasks of weight times loss."""
    return math.fsum(tasks[task].weight * values["loss"] for task, values in figures.items())


def to_device(inputs: dict[str, Examples], device: torch.device) -> dict[str, Examples]:
    """The inputs on the device (where they usually are already)."""
    return {name: x.to(device) for name, x in inputs.items()}
