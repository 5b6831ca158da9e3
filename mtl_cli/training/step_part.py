"""The parts of a step: batches whose losses add up to those of one with all their examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import place
from mtl_cli.basis.sums import Scalar, as_numbers
from mtl_cli.dataset.base import Loader
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


def batches_of_steps(
    loader: Loader, epoch: int, done: int, at_once: int, most: int | None
) -> Iterator[list[Batch]]:
    """The batches of each step that is left of an epoch; the last step may have fewer.

    Args:
        loader: of train.
        epoch: from 1.
        done: steps of it that are done.
        at_once: batches a step.
        most: batches of an epoch; None: all.
    """
    first = done * at_once
    count = min(len(loader), most or len(loader))
    batches = islice(loader.batches(epoch, first), max(0, count - first))
    while step := list(islice(batches, at_once)):
        yield step


def step_parts(
    batches: Sequence[Batch], tasks: Mapping[str, Task], device: torch.device
) -> list[StepPart]:
    """The parts of a step, known from the labels before any forward pass.

    One batch of which it is clear that something counts is not looked at, and several cost one
    synchronisation of the device.
    """
    if len(batches) == 1:
        return [only_part(batches[0], tasks, device)]
    found = [denominators(batch, tasks, device) for batch in batches]
    numbers = read(found)
    totals = {task: sum(own.get(task, 0) for own in numbers) for task in tasks}
    sizes = [sum(map(len, batch.inputs.values())) for batch in batches]
    parts = []
    for batch, own, size in zip(batches, numbers, sizes, strict=True):
        counted: Denominators = {task: d for task, d in own.items() if d}
        shares = {task: own.get(task, 0) / total for task, total in totals.items() if total}
        parts.append(StepPart(batch, counted, shares, size / sum(sizes)))
    return parts


def only_part(batch: Batch, tasks: Mapping[str, Task], device: torch.device) -> StepPart:
    """A step in one part, which is looked at only for tasks that may have nothing to count."""
    found = {
        name: d
        for name, d in denominators(batch, tasks, device).items()
        if tasks[name].over_rows or counts(batch, name)
    }
    unsure = {
        name: d
        for name, d in found.items()
        if tasks[name].may_count_nothing(
            name in batch.complete or name in batch.labels,
            None if name in batch.labels else batch.weights.get(name),
        )
    }
    if unsure:
        known = read([unsure])[0]
        found = {name: known.get(name, d) for name, d in found.items() if known.get(name, 1)}
    return StepPart(batch, found, dict.fromkeys(found, 1.0))


def counts(batch: Batch, task: str) -> bool:
    """Whether it is not known that none of a task's labels counts."""
    return batch.labels.get(task) != 0


def denominators(batch: Batch, tasks: Mapping[str, Task], device: torch.device) -> Denominators:
    """What each task's loss of a batch is the mean over."""
    return {
        name: task.denominator(
            place(batch.targets[name], device),
            name in batch.complete,
            batch.weights.get(name),
            batch.labels.get(name),
        )
        for name, task in tasks.items()
        if name in batch.targets
    }


def read(found: Sequence[Mapping[str, Scalar]]) -> list[dict[str, float]]:
    """The same as numbers, in one synchronisation of the device."""
    numbers = iter(as_numbers([d for own in found for d in own.values()]))
    return [{task: next(numbers) for task in own} for own in found]
