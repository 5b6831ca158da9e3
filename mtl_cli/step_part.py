"""The parts of a step: batches whose losses add up to those of one with all their examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from mtl_cli.batch import Batch
from mtl_cli.sums import Scalar, as_numbers
from mtl_cli.task.base import Task

Denominators = dict[str, Scalar]  # by task


@dataclass(frozen=True)
class StepPart:
    """One batch of a step, and how much it counts there.

    Args:
        batch: its examples.
        denominators: what each task's loss here is the mean over; only the tasks with something
            to count.
        shares: the same, of the whole step's, for each task of the step: over the parts, those of a
            task sum to 1.
        share: of the examples of the step.
    """

    batch: Batch
    denominators: Denominators
    shares: dict[str, float]
    share: float = 1.0


def step_parts(
    batches: Sequence[Batch], tasks: Mapping[str, Task], device: torch.device
) -> list[StepPart]:
    """The parts of a step, known from the labels before any forward pass.

    One batch of which it is clear that something counts is not looked at, and several cost one
    synchronisation of the device.
    """
    found = [denominators(batch, tasks, device) for batch in batches]
    if len(batches) == 1:
        (batch,) = batches
        unclear = [task for task in found[0] if unsure(batch, tasks[task])]
        known = read([{task: found[0][task] for task in unclear}])[0]
        there = {task: d for task, d in (found[0] | known).items() if task not in known or d}
        return [StepPart(batch, there, dict.fromkeys(there, 1.0))]
    numbers = read(found)
    totals = {task: sum(own.get(task, 0) for own in numbers) for task in tasks}
    sizes = [sum(map(len, batch.inputs.values())) for batch in batches]
    parts = []
    for batch, own, size in zip(batches, numbers, sizes, strict=True):
        counted: Denominators = {task: d for task, d in own.items() if d}
        shares = {task: own.get(task, 0) / total for task, total in totals.items() if total}
        parts.append(StepPart(batch, counted, shares, size / sum(sizes)))
    return parts


def denominators(batch: Batch, tasks: Mapping[str, Task], device: torch.device) -> Denominators:
    """What each task's loss of a batch is the mean over."""
    return {
        name: task.denominator(
            batch.targets[name].to(device), name in batch.complete, batch.weights.get(name)
        )
        for name, task in tasks.items()
        if name in batch.targets
    }


def unsure(batch: Batch, task: Task) -> bool:
    """Whether only a look at the labels says if the task has a loss here."""
    return task.may_count_nothing(task.name in batch.complete, batch.weights.get(task.name))


def read(found: Sequence[Mapping[str, Scalar]]) -> list[dict[str, float]]:
    """The same as numbers, in one synchronisation of the device."""
    numbers = iter(as_numbers([d for own in found for d in own.values()]))
    return [{task: next(numbers) for task in own} for own in found]
