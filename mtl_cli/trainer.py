"""The training loop: any model, any data, any weighting."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from itertools import islice

import torch
from torch import Tensor

from mtl_cli import checkpoint
from mtl_cli.average import WeightAverage
from mtl_cli.batch import Batch
from mtl_cli.dataset.base import Loader
from mtl_cli.errors import problem
from mtl_cli.evaluation import Figures
from mtl_cli.forward import Forward
from mtl_cli.learner import Learner, Makers
from mtl_cli.logger.base import Logger
from mtl_cli.model import Model
from mtl_cli.observer import Observer
from mtl_cli.progress import Progress
from mtl_cli.rates import WEIGHTING, check_factors
from mtl_cli.records import Records, as_figures
from mtl_cli.run_folder import RunFolder
from mtl_cli.seed import generator_states, restore_generators
from mtl_cli.settings import Settings
from mtl_cli.signals import Interrupted, Signals
from mtl_cli.step_log import StepLog
from mtl_cli.validation import Validation

COUNTERS = ("step", "epoch", "batch", "seconds", "epoch_seconds", "train_loss")


class Trainer:
    """Trains a model, and leaves metrics and checkpoints in a run folder.

    Args:
        model: on the device.
        loaders: ``{split: loader}``; ``val`` and ``test`` may be missing.
        makers: make the weighting, optimizer and schedule of each learner.
        settings: how long to train, what to keep, what to write.
        folder: where everything is written.
        device: where the model is.
        observer: looks at some of the steps; None: nobody does.
        logger: shows the figures while training goes on; None: ``metrics.csv`` alone.
    """

    def __init__(
        self,
        model: Model,
        loaders: Mapping[str, Loader],
        makers: Makers,
        settings: Settings,
        folder: RunFolder,
        device: torch.device,
        observer: Observer | None,
        logger: Logger | None,
    ) -> None:
        self.model = model
        self.tasks = model.tasks
        self.loaders = dict(loaders)
        self.settings = settings
        self.folder = folder
        self.device = device
        self.observer = observer
        self.forward = Forward(model, device, settings)
        self.records = Records(folder, self.tasks, logger)
        decay = settings.ema_decay
        self.average = None if decay is None else WeightAverage(model, decay)
        self.steps_per_epoch = settings.steps(len(loaders["train"]))
        self.total_steps = settings.total_steps(self.steps_per_epoch)
        self.learners = [
            Learner(group, model, makers, settings, self.total_steps, self.steps_per_epoch)
            for group in model.groups()
        ]
        check_factors(settings.lr_factors or {}, self.parts())
        if settings.compile and any(own.weighting.reads_features for own in self.learners):
            rule = "needs the tensors inside the model, which a compiled one does not give"
            fix = "trainer.compile=false, or weighting.on=parameters"
            raise problem("weighting.on=features", rule, "trainer.compile=true", fix)
        self.validation = Validation(
            model, self.loaders, self.learners, settings, self.records, self.average, device
        )
        self.losses, self.weights = StepLog(), StepLog()
        self.step = 0  # optimizer steps done
        self.epoch = 1  # the epoch in progress
        self.batch = 0  # steps of it done
        self.seconds = 0.0  # spent on its steps
        self.epoch_seconds: list[float] = []  # the same, of each whole epoch before
        self.train_loss: dict[str, float] = {}  # of the last epoch

    def parts(self) -> list[str]:
        """The names of all parameters, and the part of the learned weights where there are any."""
        learned = [WEIGHTING for learner in self.learners if learner.learned]
        return [*(name for name, _ in self.model.named_parameters()), *learned]

    @property
    def active(self) -> list[Learner]:
        """The learners that have not stopped early."""
        return [learner for learner in self.learners if not learner.stopped]

    @property
    def num_epochs(self) -> int:
        return math.ceil(self.total_steps / self.steps_per_epoch)

    def fit(self) -> str:
        """Trains to the end from wherever the state is, and leaves the best weights in the model.

        Returns:
            ``completed`` or ``stopped_early``.

        Raises:
            ValueError: where a loss is not finite; the last good checkpoint stays.
            Interrupted: on SIGINT or SIGTERM, after a checkpoint.
        """
        if self.step == 0:
            self.folder.cut_metrics(0)
            self.save_last()
        self.model.train()
        self.progress = Progress(self.num_epochs, self.epoch - 1)
        self.records.start(self.step)
        with self.progress, Signals() as self.signals:
            while self.active and (self.step < self.total_steps or self.batch):
                self.train_epoch()
                whole = self.batch == self.steps_per_epoch
                if not whole:  # max_steps ends it here; a longer training goes on from before
                    self.save_last()
                self.end_epoch()
                due = (self.epoch - 1) % self.settings.checkpoint_every == 0
                if whole and (due or self.step >= self.total_steps or not self.active):
                    self.save_last()
                self.heed_signals()
        self.validation.end(self.epoch - 1)
        return "completed" if self.active else "stopped_early"

    def train_epoch(self) -> None:
        """What is left of the epoch in progress."""
        begin = time.perf_counter() - self.seconds
        tasks = [task for learner in self.active for task in learner.tasks]
        left = self.progress.steps(self.steps_of_epoch(), self.steps_per_epoch, self.batch)
        for batches in left:
            self.train_step(batches, tasks)
            self.batch += 1
            if self.settings.log_every and self.step % self.settings.log_every == 0:
                self.losses.collect()
                self.write("step", as_figures(self.losses.means_since_last()))
            if self.step >= self.total_steps:
                break
            self.seconds = time.perf_counter() - begin
            self.heed_signals()
        self.losses.collect()
        self.seconds = time.perf_counter() - begin

    def steps_of_epoch(self) -> Iterator[list[Batch]]:
        """The batches of each step that is left of the epoch in progress."""
        loader, at_once = self.loaders["train"], self.settings.accumulate
        done = self.batch * at_once
        count = min(len(loader), self.settings.max_batches or len(loader))
        batches = islice(loader.batches(self.epoch, done), count - done)
        while step := list(islice(batches, at_once)):
            yield step

    def train_step(self, batches: list[Batch], tasks: list[str]) -> None:
        """One update: forward, losses, backward, step."""
        self.fill_gradients(batches, tasks)
        for learner in self.active:
            learner.step(lambda: self.forward.losses(batches[-1], tasks))
        if self.average is not None:
            self.average.update(self.step, [p for own in self.active for p in own.group.parameters])

    def fill_gradients(self, batches: list[Batch], tasks: list[str]) -> None:
        """The part of an update before the parameters change."""
        fraction = min(1.0, self.step / self.total_steps)  # a diagnosis looks beyond the end
        self.model.arch.progress(fraction)
        for learner in self.active:
            learner.prepare(self.step, fraction, len(batches))
        self.step += 1
        for batch in batches:
            losses = self.forward.losses(batch, tasks)
            self.losses.add(self.step, losses)
            self.backward(losses, batch is batches[-1])
        for learner in self.active:
            learner.unscale()
        if self.observer is not None and self.observer.wants(self.step):
            self.observer.after_backward(self.epoch, self.step, self.model)

    def backward(self, losses: dict[str, Tensor], last: bool) -> None:
        """Adds the gradients of a batch, which may be the last one of the step."""
        extra = self.model.arch.extra_loss()
        if self.observer is not None and last and self.observer.wants(self.step):
            self.observer.before_backward(self.epoch, self.step, self.model, losses)
        for learner in self.active:
            try:
                features = self.model.representations
                weights = learner.backward(losses, extra, features, last)
            except Exception:
                self.losses.collect()  # a method may fail on a NaN: the loss says whose it is
                raise
            self.weights.add(self.step, weights or {})
            extra = None  # it has reached every parameter that it can

    def end_epoch(self) -> None:
        """Evaluates, writes the epoch's rows, and keeps the weights that are the best so far."""
        active = self.active
        self.weights.collect()
        self.train_loss = self.losses.means()
        self.write("train", as_figures(self.train_loss))
        weights = as_figures(self.weights.means(), "weight")
        self.records.write(self.epoch, self.step, "train", weights, total=False)
        figures, improved = self.validation.end_epoch(self.epoch, self.step, active)
        self.progress.end_epoch(self.epoch, self.train_loss, figures)
        for learner in active:
            learner.end_epoch(self.epoch, self.train_loss, learner in improved)
        if self.batch == self.steps_per_epoch:
            self.epoch_seconds.append(self.seconds)
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0
        self.losses.clear()
        self.weights.clear()

    def test(self) -> Figures:
        """The figures of the test split, read once, with the weights as they are."""
        return self.validation.test(self.steps_per_epoch, self.total_steps)

    def write(self, split: str, figures: Figures) -> None:
        """Writes figures of the epoch in progress, and their total."""
        self.records.write(self.epoch, self.step, split, figures)

    def heed_signals(self) -> None:
        """Writes a checkpoint and stops, where a signal asked for it."""
        if self.signals.received is not None:
            self.save_last()
            raise Interrupted(self.signals.received)

    def save_last(self) -> None:
        """Writes all that is needed to go on to the bit."""
        self.losses.collect()
        self.weights.collect()
        state = {
            "model": self.model.state_dict(),
            "learners": [learner.state_dict() for learner in self.learners],
            "losses": self.losses.state_dict(),
            "weights": self.weights.state_dict(),
            "generators": generator_states(self.device),
            "average": None if self.average is None else self.average.state_dict(),
            "observer": None if self.observer is None else self.observer.state_dict(),
            "metrics_length": self.folder.metrics_length(),
        }
        checkpoint.save(self.folder.last, state | {name: getattr(self, name) for name in COUNTERS})

    def resume(self) -> None:
        """Takes back the state of the last checkpoint, and cuts ``metrics.csv`` to it."""
        state = checkpoint.load(self.folder.last)
        for name in COUNTERS:
            setattr(self, name, state[name])
        self.settings.check_resumed(self.epoch - 1, self.step, self.total_steps)
        checkpoint.load_weights(self.model, state["model"], self.folder.last)
        for learner, own in zip(self.learners, state["learners"], strict=True):
            learner.load_state_dict(own)
        self.losses.load_state_dict(state["losses"])
        self.weights.load_state_dict(state["weights"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.observer is not None:
            self.observer.load_state_dict(state["observer"])
        if "val" in self.loaders and self.folder.best.exists():
            self.validation.best.load()
        self.folder.cut_metrics(state["metrics_length"])
        restore_generators(state["generators"], self.device)
