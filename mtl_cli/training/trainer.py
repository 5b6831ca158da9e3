"""The training loop: any model, any data, any weighting."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence

import torch

from mtl_cli.basis.batch import Batch
from mtl_cli.dataset.base import Loader
from mtl_cli.disk.frozen import Checkpoints
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.logger.base import Logger
from mtl_cli.model.model import Model
from mtl_cli.training.batch_norm import average_statistics
from mtl_cli.training.ending import Ending
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.judge import Judge
from mtl_cli.training.kept import Kept
from mtl_cli.training.makers import Makers
from mtl_cli.training.observer import Observer
from mtl_cli.training.parted import check_equal
from mtl_cli.training.progress import Progress
from mtl_cli.training.records import Records, as_figures
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.signals import Interrupted
from mtl_cli.training.step_part import batches_of_steps
from mtl_cli.training.updates import Updates
from mtl_cli.training.validation import Validation

COUNTERS = ("epoch", "batch", "seconds", "epoch_seconds", "train_loss")


class Trainer:
    """Trains a model, and leaves metrics and checkpoints in a run folder.

    Args:
        model: on the device.
        loaders: ``{split: loader}``; ``val`` and ``test`` may be missing.
        makers: make the weighting, optimizer and schedule of each learner.
        settings: how long to train, what to keep, what to write.
        runtime: how the model is computed.
        folder: where everything is written.
        device: where the model is.
        observer: looks at some of the steps; None: nobody does.
        loggers: show the figures while training goes on, beside ``metrics.csv``.
        seed: of what chance decides in a step.
    """

    def __init__(
        self,
        model: Model,
        loaders: Mapping[str, Loader],
        makers: Makers,
        settings: Settings,
        runtime: Runtime,
        folder: RunFolder,
        device: torch.device,
        observer: Observer | None,
        loggers: Sequence[Logger],
        seed: int = 0,
    ) -> None:
        self.model = model
        self.tasks = model.tasks
        self.loaders = dict(loaders)
        self.settings = settings
        self.folder = folder
        self.device = device
        self.records = Records(folder, self.tasks, loggers)
        self.ending = ending = Ending(settings, loaders["train"])
        self.steps_per_epoch, self.total_steps = ending.steps_per_epoch, ending.total_steps
        self.updates = updates = Updates(
            model, makers, settings, runtime, ending, device, observer, seed
        )
        self.learners = updates.learners
        checkpoints = Checkpoints(model, folder)
        self.validation = Validation(
            model, self.loaders, updates, settings, self.records, device, checkpoints
        )
        best = self.validation.best
        self.kept = Kept(model, updates, best, ending, folder, checkpoints, device)
        self.epoch = 1  # the epoch in progress
        self.batch = 0  # steps of it done
        self.seconds = 0.0  # spent on its steps
        self.epoch_seconds: list[float] = []  # the same, of each whole epoch before
        self.train_loss: dict[str, float] = {}  # of the last epoch
        self.progress = Progress(math.ceil(self.total_steps / self.steps_per_epoch))
        self.judge: Judge | None = None  # of a training that is one of several
        self.planned_steps = self.total_steps  # when the run that is resumed was last trained

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.updates.step

    @property
    def ended_by(self) -> str | None:
        """The option by which the training is over; None: it is not."""
        if not self.updates.active:
            return "trainer.patience"
        given_up = None if self.judge is None else self.judge.ended_by
        return self.ending.reached(self.step) or given_up

    def fit(self) -> str:
        """Trains to the end from wherever the state is, and leaves the best weights in the model.

        Returns:
            ``completed``, ``stopped_early``, or ``pruned`` where it was given up.

        Raises:
            ValueError: where a loss is not finite; the last good checkpoint stays.
            Interrupted: on a signal, after a checkpoint.
        """
        if self.step == 0:
            self.folder.cut_metrics(0)
            self.save_last()
        self.model.train()
        self.records.start(self.step)
        with self.progress.begin(self.epoch - 1), self.ending:
            while self.ended_by is None or (self.updates.active and self.batch):
                self.train_epoch()
                whole = self.batch == self.steps_per_epoch
                if not whole:  # a limit ends it here; a longer training goes on from before
                    self.save_last()
                self.end_epoch()
                due = (self.epoch - 1) % self.settings.checkpoint_every == 0
                if whole and (due or self.ended_by):
                    self.save_last()
                self.heed_signals(save=whole)
        self.validation.end(self.epoch - 1)
        if self.judge is not None and self.judge.ended_by == self.ended_by is not None:
            return "pruned"
        return "completed" if self.updates.active else "stopped_early"

    def train_epoch(self) -> None:
        """What is left of the epoch in progress."""
        begin = time.perf_counter() - self.seconds
        tasks = [task for learner in self.updates.active for task in learner.group.trained]
        left = iter(self.progress.steps(self.steps_of_epoch(), self.steps_per_epoch, self.batch))
        while self.ended_by is None and (batches := next(left, None)) is not None:
            self.ending.count(self.updates.take(batches, tasks, self.epoch))
            self.batch += 1
            if self.settings.log_every and self.step % self.settings.log_every == 0:
                self.updates.collect_losses()
                self.write("step", as_figures(self.updates.losses.means_since_last()))
            self.seconds = time.perf_counter() - begin
            self.heed_signals()
        self.updates.collect_losses()
        self.seconds = time.perf_counter() - begin

    def steps_of_epoch(self) -> Iterator[list[Batch]]:
        """The batches of each step that is left of the epoch in progress."""
        at_once, most = self.settings.accumulate, self.settings.max_batches
        return batches_of_steps(self.loaders["train"], self.epoch, self.batch, at_once, most)

    def end_epoch(self) -> None:
        """Evaluates, writes the epoch's rows, and keeps the weights that are the best so far."""
        active = self.updates.active
        self.train_loss, weights = self.updates.end_epoch()
        self.write("train", as_figures(self.train_loss))
        own = as_figures(weights, "weight")
        self.records.write(self.epoch, self.step, "train", own, total=False)
        average_statistics(self.model)
        check_equal(self.model, self.epoch)
        figures, improved = self.validation.end_epoch(self.epoch, self.step, active)
        self.progress.end_epoch(self.epoch, self.train_loss, figures)
        if self.judge is not None and "val" in figures:
            self.judge.see(self.epoch, figures["val"])
        for learner in active:
            learner.end_epoch(
                self.epoch, self.train_loss, figures.get("val", {}), learner in improved
            )
        if self.batch == self.steps_per_epoch:
            self.epoch_seconds.append(self.seconds)
        self.ending.end_epoch()
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0

    def test(self) -> Figures:
        """The figures of the test split, read once, with the weights as they are."""
        return self.validation.test(self.steps_per_epoch, self.step)

    def write(self, split: str, figures: Figures) -> None:
        """Writes figures of the epoch in progress, and their total."""
        self.records.write(self.epoch, self.step, split, figures)

    def heed_signals(self, save: bool = True) -> None:
        """Writes a checkpoint (unless the last one is where to go on) and stops, where a signal
        asked for it."""
        if self.ending.signals.to_heed is not None:
            if save:
                self.save_last()
            raise Interrupted(self.ending.signals.to_heed)

    def save_last(self) -> None:
        """Writes all that is needed to go on to the bit."""
        self.kept.save({name: getattr(self, name) for name in COUNTERS})

    def resume(self) -> None:
        """Takes back the state of the last checkpoint, and cuts ``metrics.csv`` to it."""
        state = self.kept.read()
        for name in COUNTERS:
            setattr(self, name, state[name])
        self.settings.check_resumed(self.epoch - 1, state["step"], self.ending.most_steps)
        self.kept.take_back(state)
        self.planned_steps = state.get("total_steps", self.total_steps)
