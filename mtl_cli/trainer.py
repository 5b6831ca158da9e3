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
from mtl_cli.dataset.base import Loader
from mtl_cli.errors import check_boolean, check_integer, check_number, problem
from mtl_cli.evaluation import Figures, evaluate, to_device
from mtl_cli.learner import Learner, MakeOptimizer, MakeScheduler, MakeWeighting
from mtl_cli.model import Model
from mtl_cli.progress import Progress
from mtl_cli.run_folder import Row, RunFolder
from mtl_cli.seed import generator_states, restore_generators
from mtl_cli.signals import Interrupted, Signals
from mtl_cli.step_log import StepLog


class Trainer:
    """Trains a model and leaves metrics and checkpoints in a run folder.

    Args:
        model: on the device.
        loaders: ``{split: loader}``; ``val`` and ``test`` may be missing.
        make_weighting, make_optimizer, make_scheduler: make each learner's.
        folder: where everything is written.
        device: where the model is.
        max_epochs: epochs to train; None: as many as ``max_steps`` takes.
        max_steps: steps to train, where that is less.
        grad_clip: the largest gradient norm; None: no clipping.
        patience: epochs without a better validation figure before training stops; None: never.
        select: ``loss`` or ``task/metric``, see `Learner`.
        checkpoint_every: epochs between checkpoints.
        log_every: steps between step rows in ``metrics.csv``; None: no such rows.
        watch_test: evaluates test every epoch too, never for selection.
        max_batches: batches of each split an epoch, for trying things out; None: all.
    """

    def __init__(
        self,
        model: Model,
        loaders: Mapping[str, Loader],
        make_weighting: MakeWeighting,
        make_optimizer: MakeOptimizer,
        make_scheduler: MakeScheduler,
        folder: RunFolder,
        device: torch.device,
        max_epochs: int | None,
        max_steps: int | None,
        grad_clip: float | None,
        patience: int | None,
        select: str,
        checkpoint_every: int,
        log_every: int | None,
        watch_test: bool,
        max_batches: int | None,
    ) -> None:
        limits = {"max_epochs": max_epochs, "max_steps": max_steps, "patience": patience}
        limits |= {"log_every": log_every, "max_batches": max_batches}
        for name, limit in limits.items():
            if limit is not None:
                check_integer(f"trainer.{name}", limit, 1, f"trainer.{name}=10")
        check_integer("trainer.checkpoint_every", checkpoint_every, 1, "trainer.checkpoint_every=1")
        check_boolean("trainer.watch_test", watch_test)
        if grad_clip is not None:
            check_number("trainer.grad_clip", grad_clip, "trainer.grad_clip=1.0", 0)
        if max_epochs is None and max_steps is None:
            fix = "trainer.max_epochs=10"
            raise problem("trainer", "needs max_epochs or max_steps", "both null", fix)
        self.model = model
        self.loaders = dict(loaders)
        self.folder = folder
        self.device = device
        self.patience = patience
        self.checkpoint_every = checkpoint_every
        self.log_every = log_every
        self.watch_test = watch_test
        self.max_batches = max_batches
        self.steps_per_epoch = min(len(loaders["train"]), max_batches or len(loaders["train"]))
        epochs_steps = math.inf if max_epochs is None else max_epochs * self.steps_per_epoch
        self.total_steps = int(min(epochs_steps, max_steps or math.inf))
        self.num_epochs = math.ceil(self.total_steps / self.steps_per_epoch)
        self.learners = [
            Learner(group, model, make_weighting, make_optimizer, grad_clip, select)
            for group in model.groups()
        ]
        for learner in self.learners:
            learner.scheduler = make_scheduler(
                optimizer=learner.optimizer,
                total_steps=self.total_steps,
                steps_per_epoch=self.steps_per_epoch,
            )
        self.has_val = "val" in loaders
        if not self.has_val:
            self.refuse_without_val(select)
        self.step = 0  # optimizer steps done
        self.epoch = 1  # the epoch in progress
        self.batch = 0  # batches of it done
        self.seconds = 0.0  # spent on its steps
        self.epoch_seconds: list[float] = []  # the same of each whole epoch before
        self.losses = StepLog()
        self.weights = StepLog()
        self.train_loss: dict[str, float] = {}  # of the last epoch
        self.best_weights: dict[str, Tensor] = {}

    def refuse_without_val(self, select: str) -> None:
        """Refuses what reads validation figures, where there are none."""
        wanted = {
            "trainer.patience": self.patience is not None,
            "scheduler=plateau": any(learner.scheduler.needs_val for learner in self.learners),
            f"trainer.select={select}": select != "loss",
        }
        for option in (option for option, given in wanted.items() if given):
            fix = "a dataset with a val split (dataset.val_fraction=0.1, dataset.split=random), or drop it"
            raise problem(option, "needs a val split", "a dataset without one", fix)

    @property
    def active(self) -> list[Learner]:
        return [learner for learner in self.learners if not learner.stopped]

    @property
    def active_tasks(self) -> list[str]:
        return [task for learner in self.active for task in learner.tasks]

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
        self.progress = Progress(self.num_epochs, self.epoch - 1)
        self.model.train()
        with self.progress, Signals() as self.signals:
            while self.active and (self.step < self.total_steps or self.batch):
                self.train_epoch()
                if self.batch < self.steps_per_epoch:
                    # max_steps ends the training inside an epoch. The checkpoint is of before the
                    # epoch's end, so that a longer training can go on from it.
                    self.save_last()
                    self.end_epoch()
                    break
                self.end_epoch()
                if (self.epoch - 1) % self.checkpoint_every == 0 or self.step >= self.total_steps:
                    self.save_last()
                self.heed_signals()
        if self.has_val:
            self.model.load_state_dict(self.best_weights)
        else:
            self.save_best()
        return "completed" if self.active else "stopped_early"

    def test(self) -> Figures:
        """The figures of the test split, read once, with the weights as they are."""
        figures = self.evaluate("test", list(self.model.tasks)) if "test" in self.loaders else {}
        if not self.watch_test:
            epochs = {
                task: learner.best_epoch for learner in self.learners for task in learner.tasks
            }
            self.folder.append(
                Row(epochs[task], epochs[task] * self.steps_per_epoch, "test", task, metric, value)
                for task, values in figures.items()
                for metric, value in values.items()
            )
        return figures

    def train_epoch(self) -> None:
        """The rest of the epoch in progress."""
        begin = time.perf_counter() - self.seconds
        tasks = self.active_tasks
        batches = islice(
            self.loaders["train"].batches(self.epoch, self.batch), self.steps_per_epoch - self.batch
        )
        for batch in self.progress.steps(batches, self.steps_per_epoch, self.batch):
            self.train_step(batch, tasks)
            self.batch += 1
            if self.log_every and self.step % self.log_every == 0:
                self.losses.collect()
                self.write_rows("step", self.as_figures(self.losses.means_since_last()))
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
            learner.optimizer.zero_grad()
            learner.scheduler.set_rates(self.step)
            learner.weighting.progress(fraction)
        losses = self.batch_losses(batch, tasks)
        self.step += 1
        self.losses.add(self.step, losses)
        extra = self.model.arch.extra_loss()
        for learner in self.active:
            try:
                weights = learner.backward(losses, extra, self.model.representations)
            except Exception:
                self.losses.collect()  # a method that fails on a NaN: the loss says whose it is
                raise
            self.weights.add(self.step, weights or {})
            extra = None  # it has reached every parameter that it can
        for learner in self.active:
            learner.step()
            learner.weighting.after_step(lambda: self.batch_losses(batch, tasks))

    def batch_losses(self, batch: Batch, tasks: list[str]) -> dict[str, Tensor]:
        """The unweighted loss of each task that has a label in the batch."""
        outputs = self.model(to_device(batch.inputs, self.device), tasks)
        losses = {}
        for name, output in outputs.items():
            if name in batch.targets:
                target = batch.targets[name].to(self.device)
                loss, count = self.model.tasks[name].loss(output, target, name in batch.complete)
                if count:
                    losses[name] = loss
        return losses

    def end_epoch(self) -> None:
        """Evaluates, writes the epoch's rows, and keeps the weights that are the best so far."""
        tasks = self.active_tasks
        self.train_loss = self.losses.means()
        self.weights.collect()
        self.write_rows("train", self.as_figures(self.train_loss))
        self.folder.append(
            Row(self.epoch, self.step, "train", task, "weight", value)
            for task, value in self.weights.means().items()
        )
        splits = ["val"] * self.has_val + ["test"] * (self.watch_test and "test" in self.loaders)
        figures = {split: self.evaluate(split, tasks) for split in splits}
        for split in splits:
            self.check_finite(split, figures[split])
            self.write_rows(split, figures[split])
        self.progress.end_epoch(self.epoch, self.train_loss, figures)
        improved = [
            learner for learner in self.active if self.select_weights(learner, figures.get("val"))
        ]
        if improved and self.has_val:
            self.save_best()
        for learner in self.active:
            learner.weighting.end_epoch(self.train_loss)
            learner.scheduler.end_epoch(learner in improved)
            waited = self.epoch - learner.best_epoch
            learner.stopped = self.patience is not None and waited >= self.patience
        if self.batch == self.steps_per_epoch:
            self.epoch_seconds.append(self.seconds)
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0
        self.losses.clear()
        self.weights.clear()

    def evaluate(self, split: str, tasks: list[str]) -> Figures:
        return evaluate(self.model, self.loaders[split], tasks, self.device, self.max_batches)

    def select_weights(self, learner: Learner, val: Figures | None) -> bool:
        """Whether the weights are a learner's best so far; if so, keeps a copy of them."""
        if val is None:  # no val split: the best weights are the last ones
            learner.best_epoch = self.epoch
            return True
        if not learner.note_best(self.epoch, val):
            return False
        state = self.model.state_dict()
        names = state if not self.best_weights else learner.group.state_names
        self.best_weights |= {name: state[name].detach().clone() for name in names}
        return True

    def as_figures(self, losses: dict[str, float]) -> Figures:
        return {task: {"loss": loss} for task, loss in losses.items()}

    def total(self, figures: Figures) -> float:
        """The sum of weight times loss."""
        tasks = self.model.tasks
        return math.fsum(tasks[task].weight * values["loss"] for task, values in figures.items())

    def write_rows(self, split: str, figures: Figures) -> None:
        rows = [
            Row(self.epoch, self.step, split, task, metric, value)
            for task, values in figures.items()
            for metric, value in values.items()
        ]
        self.folder.append(
            [*rows, Row(self.epoch, self.step, split, "", "loss", self.total(figures))]
        )

    def check_finite(self, split: str, figures: Figures) -> None:
        """Refuses weights whose loss is not finite, before anything is kept of them."""
        for task, values in figures.items():
            if not math.isfinite(values["loss"]):
                thing = f"the {split} loss of task {task!r} after step {self.step}"
                fix = "a smaller optimizer.lr, or trainer.grad_clip=1.0"
                raise problem(thing, "must stay finite", values["loss"], fix)

    def heed_signals(self) -> None:
        """Writes a checkpoint and stops, where a signal asked for it."""
        if self.signals.received is not None:
            self.losses.collect()
            self.save_last()
            raise Interrupted(self.signals.received)

    def save_last(self) -> None:
        """Writes all that is needed to go on to the bit."""
        self.losses.collect()
        self.weights.collect()
        state = {
            "model": self.model.state_dict(),
            "learners": [learner.state_dict() for learner in self.learners],
            "generators": generator_states(self.device),
            "metrics_length": self.folder.metrics_length(),
            "losses": self.losses.state_dict(),
            "weights": self.weights.state_dict(),
        }
        checkpoint.save(self.folder.last, state | {name: getattr(self, name) for name in COUNTERS})

    def save_best(self) -> None:
        """Writes the best weights, and which epoch they are of."""
        weights = self.best_weights or self.model.state_dict()
        best = [learner.best_state() for learner in self.learners]
        checkpoint.save(self.folder.best, {"model": weights, "learners": best})

    def resume(self) -> None:
        """Takes back the state of the folder's last checkpoint, and cuts ``metrics.csv`` to it."""
        state = checkpoint.load(self.folder.last)
        checkpoint.load_weights(self.model, state["model"], self.folder.last)
        for learner, own in zip(self.learners, state["learners"], strict=True):
            learner.load_state_dict(own)
        self.losses.load_state_dict(state["losses"])
        self.weights.load_state_dict(state["weights"])
        for name in COUNTERS:
            setattr(self, name, state[name])
        if self.has_val and self.folder.best.exists():
            best = checkpoint.load(self.folder.best)
            self.best_weights = best["model"]
            for learner, own in zip(self.learners, best["learners"], strict=True):
                learner.load_best_state(own)
        self.folder.cut_metrics(state["metrics_length"])
        restore_generators(state["generators"], self.device)


COUNTERS = ("step", "epoch", "batch", "seconds", "epoch_seconds", "train_loss")
