"""The training loop: any model, any data, any weighting."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from itertools import islice

import torch
from torch import Tensor

from mtl_cli import checkpoint
from mtl_cli.batch import Batch
from mtl_cli.best_weights import BestWeights
from mtl_cli.dataset.base import Loader
from mtl_cli.errors import problem
from mtl_cli.evaluation import Figures, evaluate, to_device, total_loss
from mtl_cli.learner import Learner, Makers
from mtl_cli.model import Model
from mtl_cli.observer import Observer
from mtl_cli.progress import Progress
from mtl_cli.run_folder import RunFolder
from mtl_cli.seed import generator_states, restore_generators
from mtl_cli.settings import Settings
from mtl_cli.signals import Interrupted, Signals
from mtl_cli.step_log import StepLog

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
    ) -> None:
        self.model = model
        self.tasks = model.tasks
        self.loaders = dict(loaders)
        self.settings = settings
        self.folder = folder
        self.device = device
        self.observer = observer
        self.steps_per_epoch = settings.batches(len(loaders["train"]))
        self.total_steps = settings.total_steps(self.steps_per_epoch)
        self.learners = [
            Learner(group, model, makers, settings, self.total_steps, self.steps_per_epoch)
            for group in model.groups()
        ]
        self.best = BestWeights(model, self.learners, folder.best)
        self.losses, self.weights = StepLog(), StepLog()
        self.step = 0  # optimizer steps done
        self.epoch = 1  # the epoch in progress
        self.batch = 0  # batches of it done
        self.seconds = 0.0  # spent on its steps
        self.epoch_seconds: list[float] = []  # the same, of each whole epoch before
        self.train_loss: dict[str, float] = {}  # of the last epoch
        if "val" not in loaders:
            self.refuse_wish_for_val()

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
        if "val" in self.loaders:
            self.best.restore()
        else:
            self.best.use_last(self.epoch - 1)
        return "completed" if self.active else "stopped_early"

    def train_epoch(self) -> None:
        """What is left of the epoch in progress."""
        begin = time.perf_counter() - self.seconds
        tasks = [task for learner in self.active for task in learner.tasks]
        batches = self.loaders["train"].batches(self.epoch, self.batch)
        left = islice(batches, self.steps_per_epoch - self.batch)
        for batch in self.progress.steps(left, self.steps_per_epoch, self.batch):
            self.train_step(batch, tasks)
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

    def train_step(self, batch: Batch, tasks: list[str]) -> None:
        """One update: forward, losses, backward, step."""
        fraction = self.step / self.total_steps
        self.model.arch.progress(fraction)
        for learner in self.active:
            learner.prepare(self.step, fraction)
        losses = self.batch_losses(batch, tasks)
        self.step += 1
        self.losses.add(self.step, losses)
        extra = self.model.arch.extra_loss()
        observer = self.observer
        if observer is not None and observer.wants(self.step):
            observer.before_backward(self.epoch, self.step, self.model, losses)
        for learner in self.active:
            try:
                weights = learner.backward(losses, extra, self.model.representations)
            except Exception:
                self.losses.collect()  # a method may fail on a NaN: the loss says whose it is
                raise
            self.weights.add(self.step, weights or {})
            extra = None  # it has reached every parameter that it can
        if observer is not None and observer.wants(self.step):
            observer.after_backward(self.epoch, self.step, self.model)
        for learner in self.active:
            learner.step(lambda: self.batch_losses(batch, tasks))

    def batch_losses(self, batch: Batch, tasks: list[str]) -> dict[str, Tensor]:
        """The unweighted loss of each task that has a label in the batch."""
        outputs = self.model(to_device(batch.inputs, self.device), tasks)
        losses = {}
        for name, output in outputs.items():
            if name in batch.targets:
                target = batch.targets[name].to(self.device)
                weights = batch.weights.get(name)
                loss, count = self.tasks[name].loss(output, target, name in batch.complete, weights)
                if count:
                    losses[name] = loss
        return losses

    def end_epoch(self) -> None:
        """Evaluates, writes the epoch's rows, and keeps the weights that are the best so far."""
        active = self.active
        tasks = [task for learner in active for task in learner.tasks]
        self.weights.collect()
        self.train_loss = self.losses.means()
        self.write("train", as_figures(self.train_loss))
        self.folder.append_figures(
            self.epoch, self.step, "train", as_figures(self.weights.means(), "weight")
        )
        watched = ["val", "test"] if self.settings.watch_test else ["val"]
        figures = {split: self.evaluate(split, tasks) for split in watched if split in self.loaders}
        for split, values in figures.items():
            self.write(split, values)
        self.progress.end_epoch(self.epoch, self.train_loss, figures)
        improved = (
            self.best.update(self.epoch, active, figures["val"]) if "val" in figures else active
        )
        for learner in active:
            learner.end_epoch(self.epoch, self.train_loss, learner in improved)
        if self.batch == self.steps_per_epoch:
            self.epoch_seconds.append(self.seconds)
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0
        self.losses.clear()
        self.weights.clear()

    def evaluate(self, split: str, tasks: list[str], plots: bool = False) -> Figures:
        """The figures of a split.

        Raises:
            ValueError: where a loss is not finite, before anything is kept of such weights.
        """
        loader = self.loaders[split]
        most = self.settings.max_batches
        figures = evaluate(self.model, loader, tasks, self.device, most, plots)
        for task, values in figures.items():
            if not math.isfinite(values["loss"]):
                thing = f"the {split} loss of task {task!r} after step {self.step}"
                fix = "a smaller optimizer.lr, or trainer.grad_clip=1.0"
                raise problem(thing, "must stay finite", values["loss"], fix)
        return figures

    def test(self) -> Figures:
        """The figures of the test split, read once, with the weights as they are."""
        if "test" not in self.loaders:
            return {}
        figures = self.evaluate("test", list(self.tasks), plots=True)
        if not self.settings.watch_test:  # else the rows of these epochs are there
            for learner in self.learners:
                own = {task: figures[task] for task in learner.tasks if task in figures}
                step = min(learner.best_epoch * self.steps_per_epoch, self.total_steps)
                self.folder.append_figures(learner.best_epoch, step, "test", own)
        return figures

    def write(self, split: str, figures: Figures) -> None:
        """Writes figures of the epoch in progress, and their total."""
        total = total_loss(self.tasks, figures)
        self.folder.append_figures(self.epoch, self.step, split, figures | {"": {"loss": total}})

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
            "observer": None if self.observer is None else self.observer.state_dict(),
            "metrics_length": self.folder.metrics_length(),
        }
        checkpoint.save(self.folder.last, state | {name: getattr(self, name) for name in COUNTERS})

    def resume(self) -> None:
        """Takes back the state of the last checkpoint, and cuts ``metrics.csv`` to it."""
        state = checkpoint.load(self.folder.last)
        checkpoint.load_weights(self.model, state["model"], self.folder.last)
        for learner, own in zip(self.learners, state["learners"], strict=True):
            learner.load_state_dict(own)
        self.losses.load_state_dict(state["losses"])
        self.weights.load_state_dict(state["weights"])
        if self.observer is not None:
            self.observer.load_state_dict(state["observer"])
        for name in COUNTERS:
            setattr(self, name, state[name])
        if "val" in self.loaders and self.folder.best.exists():
            self.best.load()
        self.folder.cut_metrics(state["metrics_length"])
        restore_generators(state["generators"], self.device)

    def refuse_wish_for_val(self) -> None:
        """Refuses what reads the figures of val, where there is no such split."""
        plateau = any(learner.scheduler.needs_val for learner in self.learners)
        wish = self.settings.wants_val() or ("scheduler=plateau" if plateau else None)
        if wish is not None:
            fix = "a val split (dataset.val_fraction=0.1, dataset.split=random), or leave it out"
            raise problem(wish, "needs a val split", "a dataset without one", fix)


def as_figures(values: Mapping[str, float], metric: str = "loss") -> Figures:
    """One metric of each task, in the form of all figures."""
    return {task: {metric: value} for task, value in values.items()}
