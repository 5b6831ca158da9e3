"""Validation: the figures of val and test, the best weights, and when to stop."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from contextlib import nullcontext

import torch

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.base import Loader
from mtl_cli.disk.frozen import Checkpoints
from mtl_cli.model.model import Model
from mtl_cli.training.best_weights import BestWeights
from mtl_cli.training.evaluation import Figures, evaluate, remarks
from mtl_cli.training.learner import Learner
from mtl_cli.training.records import Records
from mtl_cli.training.settings import Settings
from mtl_cli.training.updates import Updates

log = logging.getLogger(__name__)


class Validation:
    """Evaluates a model that is trained, and keeps its best weights.

    Args:
        model: on the device.
        loaders: ``{split: loader}``.
        updates: whose learners each select by their own tasks' figures of val; where there is an
            average of the weights, it is evaluated in their place.
        settings: say what selects.
        records: gets the figures.
        device: where the model is.
        checkpoints: writes the best weights.
    """

    def __init__(
        self,
        model: Model,
        loaders: Mapping[str, Loader],
        updates: Updates,
        settings: Settings,
        records: Records,
        device: torch.device,
        checkpoints: Checkpoints,
    ) -> None:
        self.model = model
        self.loaders = loaders
        self.learners = updates.learners
        self.settings = settings
        self.records = records
        self.average = updates.average
        self.device = device
        self.said: set[str] = set()
        self.best = BestWeights(model, self.learners, checkpoints)
        if "val" not in loaders:
            self.refuse_wish_for_val()

    def end_epoch(
        self, epoch: int, step: int, active: list[Learner]
    ) -> tuple[dict[str, Figures], list[Learner]]:
        """The figures of the watched splits, and the learners that improved (all without a val)."""
        tasks = [task for learner in active for task in learner.tasks]
        watched = ["val", "test"] if self.settings.watch_test else ["val"]
        splits = [split for split in watched if split in self.loaders]
        improved = active
        with nullcontext() if self.average is None else self.average.in_place():
            figures = {split: self.evaluate(split, tasks, step) for split in splits}
            if "val" in figures:
                improved = self.best.update(epoch, active, figures["val"])
        for split, values in figures.items():
            self.records.write(epoch, step, split, values)
        return figures, improved

    def end(self, epoch: int) -> None:
        """Leaves the best weights in the model; without a val split, those of the last epoch."""
        if "val" in self.loaders:
            self.best.restore()
        else:
            if self.average is not None:
                self.average.swap()
            self.best.use_last(epoch)

    def test(self, steps_per_epoch: int, last_step: int) -> Figures:
        """The figures of the test split, read once, with the weights as they are."""
        if "test" not in self.loaders:
            return {}
        tasks = [task for learner in self.learners for task in learner.tasks]
        figures = self.evaluate("test", tasks, last_step, once=True)
        if not self.settings.watch_test:  # else the rows of these epochs are there
            for learner in self.learners:
                own = {task: figures[task] for task in learner.tasks if task in figures}
                step = min(learner.best.epoch * steps_per_epoch, last_step)
                self.records.write(learner.best.epoch, step, "test", own, total=False)
        return {task: figures[task] for task in self.model.tasks if task in figures}

    def evaluate(self, split: str, tasks: list[str], step: int, once: bool = False) -> Figures:
        """The figures of a split; where it is read ``once``, plots and single numbers too.

        Raises:
            ValueError: where a loss is not finite, before anything is kept of such weights.
        """
        most = self.settings.max_batches
        loader = self.loaders[split]
        figures = evaluate(self.model, loader, tasks, self.device, most, plots=once, numbers=once)
        for task, values in figures.items():
            loss = values.get("loss", 0.0)  # not of a task without a loss
            if not math.isfinite(loss):
                thing = f"the {split} loss of task {task!r} after step {step}"
                fix = "a smaller optimizer.lr, or trainer.grad_clip=1.0"
                raise problem(thing, "must stay finite", loss, fix)
            for metric in (name for name, value in values.items() if math.isnan(value)):
                self.say_once(f"{task}/{metric} has no value on {split}; are all labels alike?")
        for figure, said in remarks({task: self.model.tasks[task] for task in figures}).items():
            self.say_once(f"{figure} on {split}: {said}", f"{figure} on {split}")
        return figures

    def say_once(self, text: str, about: str | None = None) -> None:
        """A word to the user, who need not read it after every epoch; nor another one ``about`` the
        same thing."""
        about = about or text
        if about not in self.said:
            self.said.add(about)
            log.warning("note        %s", text)

    def refuse_wish_for_val(self) -> None:
        """Refuses what reads the figures of val, where there is no such split."""
        plateau = any(learner.scheduler.needs_val for learner in self.learners)
        wish = self.settings.wants_val() or ("scheduler=plateau" if plateau else None)
        if wish is not None:
            fix = "a val split (dataset.split.val=0.1, or dataset.split=random), or leave it out"
            raise problem(wish, "needs a val split", "a dataset without one", fix)
