"""The parts of a step: batches whose losses add up to those of one with all their examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import place
from mtl_cli.basis.sums import Scalar, as_numbers
from mtl_cli.dataset.base import Loader
from mtl_cli.task.base import Task
from mtl_cli.training.ending import Ending

Denominators = dict[str, Scalar]  # by task


@dataclass(frozen=True)
class StepPart:
    """One batch of a step, and how much it counts there.

    Args:
        batch: its examples, as far as they are this process's.
        denominators: what each task's loss here is the mean over, in all processes; only the tasks
            with something to count.
        shares: the same, of the whole step's, for each task of the step: over the parts, those of a
            task sum to 1.
        examples: how many there are of it in all processes.
        share: of this process's examples, of those of the step.
        own: how much of each task's denominator is this process's, of those with any; None: all.
    """

    batch: Batch
    denominators: Denominators
    shares: dict[str, float]
    examples: int
    share: float = 1.0
    own: dict[str, float] | None = None

    def is_here(self, task: str) -> bool:
        """Whether this process has something of the task to count."""
        return task in (self.denominators if self.own is None else self.own)


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
    batches: Sequence[Batch],
    tasks: Mapping[str, Task],
    device: torch.device,
    ending: Ending | None = None,
) -> list[StepPart]:
    """The parts of a step, known from the labels before any forward pass.

    One batch of which it is clear that something counts is not looked at, and several cost one
    synchronisation of the device. Several processes count together, and hear what asks any to end.
    """
    alone = ranks.size() == 1
    if len(batches) == 1 and alone:
        return [only_part(batches[0], tasks, device)]
    found = read([denominators(batch, tasks, device) for batch in batches])
    sizes = [batch.num_examples for batch in batches]
    said = [] if ending is None else ending.said()
    numbers = [own.get(task, 0) for own in found for task in tasks]
    together = iter(ranks.totals([*numbers, *sizes, *said]))
    counts = [{task: next(together) for task in tasks} for _ in batches]
    examples = [round(next(together)) for _ in batches]
    if ending is not None:
        ending.hear(list(together))
    totals = {task: sum(whole[task] for whole in counts) for task in tasks}
    parts = []
    each = zip(batches, found, counts, sizes, examples, strict=True)
    for batch, own, whole, size, number in each:
        counted: Denominators = {task: d for task, d in whole.items() if d}
        shares = {task: whole[task] / total for task, total in totals.items() if total}
        here = {task: d / whole[task] for task, d in own.items() if d}
        share = size / sum(examples)
        parts.append(StepPart(batch, counted, shares, number, share, None if alone else here))
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
    return StepPart(batch, found, dict.fromkeys(found, 1.0), batch.num_examples)


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
