"""A learner: tasks that share parameters, and the optimizer, schedule and weighting they train by.

Most architectures connect all tasks, and there is one learner. Single-task learning has one a
task: selection of the best weights, clipping and stopping are then each task's own, as in K runs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext as nothing
from typing import Any

from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import problem
from mtl_cli.basis.gradient_scale import scale_gradient
from mtl_cli.basis.layered import layers_above
from mtl_cli.basis.seed import drawing
from mtl_cli.disk.kinds import unfitting, unlike
from mtl_cli.embedding.base import leaves
from mtl_cli.model.groups import Group
from mtl_cli.model.model import Model
from mtl_cli.training.ending import Ending
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.makers import Makers, make_optimizer
from mtl_cli.training.patience import Patience
from mtl_cli.training.scaling import Scaling
from mtl_cli.training.selection import Selection
from mtl_cli.training.settings import Settings
from mtl_cli.training.step_part import StepPart
from mtl_cli.training.tables import (
    OptimizerWithTables,
    TouchedRows,
    clip,
    embeddings_of,
    reads_whole,
)
from mtl_cli.weighting.base import Losses, Weights
from mtl_cli.weighting.fixed import Fixed
from mtl_cli.weighting.part import Part

ANEW = "another run, or train anew"


class Learner:
    """Trains the parameters of one group of tasks.

    A task alone has nothing to balance, and is trained plainly whatever the weighting.

    Args:
        group: the tasks and their parameters.
        model: holds them.
        makers: make the weighting, optimizer and schedule.
        settings: say how to clip, select and stop.
        ending: says how many steps are planned, and how many an epoch has.
        seed: of what chance decides in a step.
    """

    def __init__(
        self,
        group: Group,
        model: Model,
        makers: Makers,
        settings: Settings,
        ending: Ending,
        seed: int = 0,
    ) -> None:
        self.group = group
        self.seed = seed
        self.tasks = {name: model.tasks[name] for name in group.tasks}
        self.settings = settings
        make_weighting = makers.weighting if len(group.trained) > 1 else Fixed
        self.weighting = make_weighting(tasks=group.trained).to(group.parameters[0].device)
        self.weighting.watch(group.last_shared)
        learned = list(self.weighting.parameters())
        self.learned = learned
        self.trained = [*group.parameters, *learned]
        own = {id(p) for p in group.parameters}
        named = [(name, p) for name, p in model.named_parameters() if id(p) in own]
        embeddings = embeddings_of(model, own)
        factors, above = settings.lr_factors or {}, layers_above(model)
        self.optimizer = make_optimizer(makers, named, embeddings, learned, factors, above)
        whole = reads_whole(self.weighting, settings.accumulate, model.embedded)
        sparse = isinstance(self.optimizer, OptimizerWithTables)
        self.touched = TouchedRows(embeddings, whole, sparse)
        self.device = group.parameters[0].device
        is_half = settings.precision == "16"
        self.scaling = Scaling(self.optimizer, self.trained, self.device.type, is_half)
        self.scheduler = makers.scheduler(
            optimizer=self.optimizer,
            total_steps=ending.total_steps,
            steps_per_epoch=ending.steps_per_epoch,
        )
        self.steps_per_epoch = ending.steps_per_epoch
        self.epoch = 1  # of the step in progress, which is counted from 0
        self.number = 0
        self.stopped = False
        self.best = Selection(self.tasks, settings.select)
        self.patience = Patience(self.tasks, settings)

    def prepare(self, step: int, fraction: float) -> None:
        """Before a step, counted from 0, at this share of the training."""
        for parameter in self.trained:  # zero_grad() would spend ten times as long on its hooks
            parameter.grad = None
        self.touched.forget()
        self.scheduler.set_rates(step)
        self.epoch, self.number = 1 + step // self.steps_per_epoch, step
        self.weighting.progress(fraction)
        self.scaling.begin()

    def backward(
        self,
        losses: Losses,
        extra: Tensor | None,
        features: list[Tensor],
        part: StepPart,
        last: bool,
    ) -> Weights | None:
        """Adds the gradients of a part of the step, from the unweighted losses of all tasks.

        Args:
            losses: by task; those of others are ignored.
            extra: the architecture's own term.
            features: where the tasks part.
            part: says how much each loss counts in the step.
            last: whether this is the last part.
        """
        group, scale = self.group, self.scaling.factor
        own = {
            task: scale_gradient(loss, scale * part.shares[task])
            for task, loss in self.weighted(losses).items()
        }
        self.weighting.begin(Part(part.shares, last, scale))
        extra = None if extra is None else scale_gradient(extra, scale * part.share)
        shared, specific = (
            leaves(self.touched.embeddings, given) for given in (group.shared, group.specific)
        )
        weights = None
        with drawing(self.device, self.seed, self.number) if self.weighting.draws else nothing():
            if own:
                weights = self.weighting.backward(own, shared, specific, extra, features)
            elif last:
                weights = self.weighting.flush(shared, specific)
        if last:
            self.weighting.add_up(shared, specific)
        else:
            ranks.add_up([], self.touched.rows)
        self.touched.give_back()
        return weights

    def unscale(self) -> None:
        """After the last part: the gradients as the optimizer is to see them."""
        self.scaling.unscale(self.learned)  # which have the gradients of S itself

    def weighted(self, losses: Losses) -> dict[str, Tensor]:
        """The losses of the learner's tasks, each times its task's weight in this epoch."""
        weights = {
            name: task.weight_at(self.epoch)
            for name, task in self.tasks.items()
            if name in losses and task.trained
        }
        return {
            name: losses[name] if weight == 1 else weight * losses[name]
            for name, weight in weights.items()
        }

    def step(self, closure: Callable[[], Losses]) -> None:
        """Clips the gradients and updates the parameters; ``closure`` computes the losses anew."""
        if self.settings.grad_clip is not None:
            clip(self.group.parameters, self.settings.grad_clip)
        self.scaling.step()
        self.weighting.after_step(lambda: self.weighted(closure()))

    def end_epoch(
        self, epoch: int, train_loss: dict[str, float], val: Figures, improved: bool
    ) -> None:
        """Tells schedule and weighting; stops where the patience is over."""
        own = {task: train_loss[task] for task in self.tasks if task in train_loss}
        self.weighting.end_epoch(own)
        self.scheduler.end_epoch(improved)
        self.patience.note(epoch, val)
        self.stopped = self.patience.is_over(epoch, self.best.epoch)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "weighting": self.weighting.state_dict(),
            "scaler": self.scaling.state_dict(),
            "stopped": self.stopped,
            "patience": self.patience.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave.

        Raises:
            ValueError: where it is another learner's.
        """
        for name in ("scheduler", "weighting"):
            if unlike(state[name], getattr(self, name).state_dict()):
                raise problem(f"the state of {name}", "must be of the same kind", "another", ANEW)
        self.optimizer.load_state_dict(state["optimizer"])
        if found := unfitting(self.optimizer):
            raise problem("the optimizer's state", "must fit the weights", found, ANEW)
        self.scheduler.load_state_dict(state["scheduler"])
        self.weighting.load_state_dict(state["weighting"])
        self.scaling.load_state_dict(state["scaler"])
        self.stopped = state["stopped"]
        self.patience.load_state_dict(state.get("patience", {}))
