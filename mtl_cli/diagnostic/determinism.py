"""Determinism: whether the same input gives the same output, and the same seed the same training.

What differs first is named: everything after it may differ because of it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, zip_longest

import torch

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import check_integer
from mtl_cli.diagnostic.base import Diagnosis, Subject, count, write_rows
from mtl_cli.diagnostic.record import Event, Recorder, record_outputs
from mtl_cli.model.mode import mode
from mtl_cli.training.evaluation import to_device
from mtl_cli.training.trainer import Trainer

COLUMNS = ["check", "step", "what", "name", "equal"]


class Determinism(Diagnosis):
    """Two comparisons, to the last bit, of everything in the order in which it was computed.

    Input: one batch twice through the model in evaluation mode; the outputs of all modules.
    Training: the run built and trained twice from its seed; the initial weights, then at each step
    the batch, the modules' outputs, losses, gradients and weights, and the state of the weighting.

    Args:
        steps: of both trainings.
    """

    name = "determinism"

    def __init__(self, steps: int) -> None:
        check_integer("diagnostic.steps", steps, 1, "diagnostic.steps=5")
        self.steps = steps

    def run(self, subject: Subject) -> str:
        trainer = subject.make_trainer()
        batch = subject.first_batch(trainer)
        checks = {
            "input": compare(lambda: same_input(trainer, batch)),
            "training": compare(lambda: short_training(subject.make_trainer(), self.steps)),
        }
        rows = [
            [check, event.step, event.what, event.name, str(equal).lower()]
            for check, events in checks.items()
            for event, equal in events
        ]
        write_rows(subject.folder, self.name, COLUMNS, rows)
        lines = ["determinism: compared to the last bit"]
        lines.append(f"the same input twice: {verdict(checks['input'], trainer)}")
        steps = count(self.steps, "step")
        lines.append(f"{steps} twice from one seed: {verdict(checks['training'], trainer)}")
        return "\n".join(lines)


def compare(record: Callable[[], list[Event]]) -> list[tuple[Event, bool]]:
    """What is recorded the first time, and whether the second time agrees."""
    first, second = record(), record()
    return [(one or other, one == other) for one, other in zip_longest(first, second)]


def verdict(events: list[tuple[Event, bool]], trainer: Trainer) -> str:
    different = next((event for event, equal in events if not equal), None)
    if different is None:
        return f"equal ({len(events):,} tensors)"
    text = f"NOT equal\n  the first difference: {different}"
    if trainer.device.type != "cpu" and not torch.are_deterministic_algorithms_enabled():
        text += "\n  try: deterministic=true, which keeps to algorithms that repeat their bits"
    return text


def same_input(trainer: Trainer, batch: Batch) -> list[Event]:
    """The outputs of all modules for a batch, in evaluation mode."""
    events: list[Event] = []
    model = trainer.model
    inputs = to_device(batch.inputs, trainer.device)
    with torch.no_grad(), mode(model, training=False), record_outputs(model, events, lambda: 0):
        model(inputs)
    return events


def short_training(trainer: Trainer, steps: int) -> list[Event]:
    """A training of so many steps, as it goes on over the epochs."""
    recorder = Recorder(trainer)
    trainer.model.train()
    trainer.updates.observer = recorder
    tasks = trainer.model.trained
    recorder.note_state()
    with record_outputs(trainer.model, recorder.events, lambda: trainer.step):
        while trainer.step < min(steps, trainer.total_steps):
            for batches in islice(trainer.steps_of_epoch(), steps - trainer.step):
                recorder.note_batches(batches)
                trainer.updates.take(batches, tasks, trainer.epoch)
                recorder.note_state()
            trainer.epoch += 1
    return recorder.events
