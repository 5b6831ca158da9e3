"""What every diagnostic promises: it looks at a model, and leaves text, figures and pictures."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch import Tensor

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import problem
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder, written
from mtl_cli.drawing.files import save
from mtl_cli.task.base import Task
from mtl_cli.training.observer import Observer
from mtl_cli.training.trainer import Trainer


@dataclass(frozen=True)
class Subject:
    """What is diagnosed.

    Args:
        make_trainer: builds the model and what trains it, from the seed, anew with each call, and
            gives it the weights that are looked at.
        epoch: after which epoch of its training the weights are; 0 before any.
        num_steps: how many steps are looked at, by what looks at several.
        folder: an existing folder, where the results go.
        title: stands above pictures.
    """

    make_trainer: Callable[[], Trainer]
    epoch: int
    num_steps: int
    folder: RunFolder
    title: str

    def first_batch(self, trainer: Trainer) -> Batch:
        """The first batch of train that has a label.

        Raises:
            ValueError: where there is none.
        """
        for batch in trainer.loaders["train"].batches(self.epoch + 1):
            targets = batch.targets.items()
            if any(bool(trainer.tasks[task].is_labelled(y).any()) for task, y in targets):
                return batch
        raise problem("dataset", "must have labels in train", "none", "another dataset")


class Diagnosis(ABC):
    """Looks at a model at one moment: before training, or with the weights of a run.

    Attributes:
        name: of its files, ``diagnostics/<name>.csv`` and ``plots/<name>.png``.
    """

    name: str

    @abstractmethod
    def run(self, subject: Subject) -> str:
        """Looks, writes files and pictures into the folder; gives what is to be printed."""


class Watcher(Observer, Diagnosis):
    """A diagnosis that also looks at a training while it goes on, as an `Observer`.

    At one moment, it sees the steps with which the training would go on, but for the updates: the
    same weights on one batch after the other.

    Args:
        every: steps from one look to the next, in training; the first step is looked at.

    Attributes:
        after: the epoch whose weights are looked at; None in training.
    """

    def __init__(self, every: int) -> None:
        super().__init__(every)
        self.after: int | None = None

    def run(self, subject: Subject) -> str:
        trainer = subject.make_trainer()
        trainer.model.train()
        trainer.updates.observer, self.every = self, 1
        self.after = subject.epoch
        trainer.epoch = subject.epoch + 1
        trainer.updates.step = min(subject.epoch * trainer.steps_per_epoch, trainer.total_steps)
        for batches in islice(trainer.steps_of_epoch(), subject.num_steps):
            trainer.updates.fill_gradients(batches, trainer.model.trained, trainer.epoch)
        return self.finish(subject.folder, subject.title)


def weigh(tasks: Mapping[str, Task], losses: dict[str, Tensor], epoch: int) -> dict[str, Tensor]:
    """The losses as weightings see them in an epoch, each times its task's weight."""
    return {name: tasks[name].weight_at(epoch) * loss for name, loss in losses.items()}


def layer_of(parameter: str) -> str:
    """The module that a parameter is of: ``arch.trunk.stages.0`` has a weight and a bias."""
    return parameter.rpartition(".")[0]


def short(name: str) -> str:
    """A module's or parameter's name without what all have in common."""
    return name.removeprefix("arch.")


def write_rows(folder: RunFolder, name: str, columns: Sequence[str], rows: Iterable[Any]) -> None:
    """Writes ``diagnostics/<name>.csv``; None is left empty."""
    path = folder.path / "diagnostics" / file_name(f"{name}.csv")
    make_folder(path.parent)
    with written(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def save_picture(folder: RunFolder, name: str, figure: Any) -> None:
    """Writes ``plots/<name>.png``."""
    make_folder(folder.plots)
    save(figure, folder.plots / file_name(f"{name}.png"))


def number(value: float | None) -> str:
    """A gradient's size: ``–`` where there is no path, ``0`` where it is exactly zero."""
    return "–" if value is None else f"{value:.4g}"


def count(number: int, what: str) -> str:
    """``1 look``, ``2 looks``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
