"""The training loop: any model, any data, any weighting."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from itertools import islice

import torch

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.seed import generator_states, restore_generators
from mtl_cli.dataset.base import Loader
from mtl_cli.disk import checkpoint
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.logger.base import Logger
from mtl_cli.model.model import Model
from mtl_cli.training.batch_norm import average_statistics
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.makers import Makers
from mtl_cli.training.observer import Observer
from mtl_cli.training.parted import check_equal
from mtl_cli.training.progress import Progress
from mtl_cli.training.records import Records, as_figures
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.signals import Interrupted, Signals
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
        logger: shows the figures while training goes on; None: ``metrics.csv`` alone.
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
        logger: Logger | None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.tasks = model.tasks
        self.loaders = dict(loaders)
        self.settings = settings
        self.folder = folder
        self.device = device
        self.records = Records(folder, self.tasks, logger)
        self.steps_per_epoch = settings.steps(len(loaders["train"]))
        self.total_steps = settings.total_steps(self.steps_per_epoch)
        self.signals = Signals()
        self.updates = Updates(
            model,
            makers,
            settings,
            runtime,
            self.total_steps,
            self.steps_per_epoch,
            device,
            observer,
            seed,
            self.signals,
        )
        self.learners = self.updates.learners
        average = self.updates.average
        self.validation = Validation(
            model, self.loaders, self.learners, settings, self.records, average, device
        )
        self.epoch = 1  # the epoch in progress
        self.batch = 0  # steps of it done
        self.seconds = 0.0  # spent on its steps
        self.epoch_seconds: list[float] = []  # the same, of each whole epoch before
        self.train_loss: dict[str, float] = {}  # of the last epoch
        self.progress = Progress(self.num_epochs)
        self.planned_steps = self.total_steps  # when the run that is resumed was last trained

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.updates.step

    @property
    def num_epochs(self) -> int:
        return math.ceil(self.total_steps / self.steps_per_epoch)

    def fit(self) -> str:
        """Trains to the end from wherever the state is, and leaves the best weights in the model.

        Returns:
            ``completed`` or ``stopped_early``.

        Raises:
            ValueError: where a loss is not finite; the last good checkpoint stays.
            Interrupted: on a signal, after a checkpoint.
        """
        if self.step == 0:
            self.folder.cut_metrics(0)
            self.save_last()
        self.model.train()
        self.records.start(self.step)
        with self.progress.begin(self.epoch - 1), self.signals:
            while self.updates.active and (self.step < self.total_steps or self.batch):
                self.train_epoch()
                whole = self.batch == self.steps_per_epoch
                if not whole:  # max_steps ends it here; a longer training goes on from before
                    self.save_last()
                self.end_epoch()
                due = (self.epoch - 1) % self.settings.checkpoint_every == 0
                if whole and (due or self.step >= self.total_steps or not self.updates.active):
                    self.save_last()
                self.heed_signals(save=whole)
        self.validation.end(self.epoch - 1)
        return "completed" if self.updates.active else "stopped_early"

    def train_epoch(self) -> None:
        """What is left of the epoch in progress."""
        begin = time.perf_counter() - self.seconds
        tasks = [task for learner in self.updates.active for task in learner.group.trained]
        steps = islice(self.steps_of_epoch(), self.total_steps - self.step)  # max_steps may end it
        left = self.progress.steps(steps, self.steps_per_epoch, self.batch)
        for batches in left:
            self.updates.take(batches, tasks, self.epoch)
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
        self.updates.weights.collect()
        self.train_loss = self.updates.losses.means()
        self.write("train", as_figures(self.train_loss))
        weights = as_figures(self.updates.weights.means(), "weight")
        self.records.write(self.epoch, self.step, "train", weights, total=False)
        average_statistics(self.model)
        check_equal(self.model, self.epoch)
        figures, improved = self.validation.end_epoch(self.epoch, self.step, active)
        self.progress.end_epoch(self.epoch, self.train_loss, figures)
        for learner in active:
            learner.end_epoch(self.epoch, self.train_loss, learner in improved)
        if self.batch == self.steps_per_epoch:
            self.epoch_seconds.append(self.seconds)
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0
        self.updates.losses.clear()
        self.updates.weights.clear()

    def test(self) -> Figures:
        """The figures of the test split, read once, with the weights as they are."""
        return self.validation.test(self.steps_per_epoch, self.total_steps)

    def write(self, split: str, figures: Figures) -> None:
        """Writes figures of the epoch in progress, and their total."""
        self.records.write(self.epoch, self.step, split, figures)

    def heed_signals(self, save: bool = True) -> None:
        """Writes a checkpoint (unless the last one is where to go on) and stops, where a signal
        asked for it."""
        if self.signals.to_heed is not None:
            if save:
                self.save_last()
            raise Interrupted(self.signals.to_heed)

    def save_last(self) -> None:
        """Writes all that is needed to go on to the bit."""
        state = {
            "model": self.model.state_dict(),
            "generators": generator_states(self.device),
            "metrics_length": self.folder.metrics_length(),
            "best": self.validation.best.state_dict(),
            "total_steps": self.total_steps,
        }
        state |= self.updates.state_dict() | {name: getattr(self, name) for name in COUNTERS}
        checkpoint.keep(self.folder, self.folder.last, state)

    def resume(self) -> None:
        """Takes back the state of the last checkpoint, and cuts ``metrics.csv`` to it."""
        first = ranks.rank() == 0
        state = ranks.state_of_first(checkpoint.load(self.folder.last) if first else {})
        for name in COUNTERS:
            setattr(self, name, state[name])
        self.settings.check_resumed(self.epoch - 1, state["step"], self.total_steps)
        checkpoint.load_weights(self.model, state["model"], self.folder.last)
        self.updates.load_state_dict(state)
        self.validation.best.load_state_dict(state.get("best"))
        restore_generators(state["generators"], self.device)
        self.planned_steps = state.get("total_steps", self.total_steps)
        self.folder.cut_metrics(state["metrics_length"])  # from here on the folder changes
        self.validation.best.save_again()
