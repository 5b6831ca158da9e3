"""The updates of a training, one after the other: forward, losses, backward, step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import problem
from mtl_cli.basis.layered import layers_above
from mtl_cli.basis.seed import seed_torch
from mtl_cli.model.model import Model
from mtl_cli.training.average import WeightAverage
from mtl_cli.training.ending import Ending
from mtl_cli.training.forward import Forward
from mtl_cli.training.learner import Learner
from mtl_cli.training.makers import Makers
from mtl_cli.training.observer import Observer
from mtl_cli.training.rates import ENCODER, WEIGHTING, check_factors
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.step_log import StepLog
from mtl_cli.training.step_part import StepPart
from mtl_cli.weighting.jacobian import check_features


class Updates:
    """Changes a model step by step, and notes what each step saw.

    Args:
        model: on the device.
        makers: make the weighting, optimizer and schedule of each learner.
        settings: say precision, accumulation, clipping, averaging and rates.
        runtime: says how the model is computed.
        ending: says how long the training is planned; processes tell each other of it in a step.
        device: where the model is.
        observer: looks at some of the steps; None: nobody does.
        seed: of what chance decides in a step.
    """

    def __init__(
        self,
        model: Model,
        makers: Makers,
        settings: Settings,
        runtime: Runtime,
        ending: Ending,
        device: torch.device,
        observer: Observer | None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.seed = seed
        self.observer = observer
        self.total_steps = ending.total_steps
        self.forward = Forward(model, device, settings, runtime, ending)
        decay = settings.ema_decay
        self.average = None if decay is None else WeightAverage(model, decay)
        self.learners = [
            Learner(group, model, makers, settings, ending, seed) for group in model.groups()
        ]
        check_factors(settings.lr_factors or {}, self.parts())
        if any(own.weighting.reads_features for own in self.learners):
            check_features(model.tasks_part_at_tensors(), settings.accumulate == 1)
            if runtime.compile:
                rule = "needs the tensors inside the model, which a compiled one does not give"
                fix = "runtime.compile=false, or weighting.on=parameters"
                raise problem("weighting.on=features", rule, "runtime.compile=true", fix)
        self.losses, self.weights = StepLog(), StepLog()
        self.step = 0  # optimizer steps done

    def parts(self) -> list[str]:
        """The names of all parameters, and the parts of learned weights and of an encoder's layers,
        where there are any."""
        learned = [WEIGHTING for learner in self.learners if learner.learned]
        layered = [ENCODER] if layers_above(self.model) else []
        return [*(name for name, _ in self.model.named_parameters()), *learned, *layered]

    @property
    def active(self) -> list[Learner]:
        """The learners that have not stopped early."""
        return [learner for learner in self.learners if not learner.stopped]

    def take(self, batches: list[Batch], tasks: list[str], epoch: int) -> int:
        """One update; gives the number of its examples, of all processes.

        Args:
            batches: whose gradients add up.
            tasks: that are trained.
            epoch: in progress.
        """
        parts = self.fill_gradients(batches, tasks, epoch)
        for learner in self.active:
            learner.step(lambda: self.forward.step_losses(parts, tasks))
        if self.average is not None:
            self.average.update(self.step, [p for own in self.active for p in own.group.parameters])
        return sum(part.examples for part in parts)

    def fill_gradients(self, batches: list[Batch], tasks: list[str], epoch: int) -> list[StepPart]:
        """What comes before the parameters change; gives the batches as parts of the step."""
        fraction = min(1.0, self.step / self.total_steps)  # a diagnosis looks beyond the end
        self.model.arch.progress(fraction)
        for learner in self.active:
            learner.prepare(self.step, fraction)
        self.step += 1
        if ranks.size() > 1:  # so that it is of no process's past what dropout draws
            seed_torch(self.forward.device, self.seed, self.step, ranks.rank())
        watching = self.observer
        if watching is not None and not watching.wants(self.step):
            watching = None
        parts = self.forward.parts(batches, tasks)
        for part in parts:
            losses = self.forward.part_losses(part, tasks)
            self.losses.add(self.step, losses, part.denominators)
            last = part is parts[-1]
            extra = self.model.arch.extra_loss()
            if watching is not None and last:
                watching.before_backward(epoch, self.step, self.model, losses)
            self.backward(losses, extra, part, last)
        for learner in self.active:
            learner.unscale()
        if watching is not None:
            watching.after_backward(epoch, self.step, self.model)
        return parts

    def backward(
        self, losses: dict[str, Tensor], extra: Tensor | None, part: StepPart, last: bool
    ) -> None:
        """Adds the gradients of a part, which may be the last one of the step."""
        features = self.model.representations
        for learner in self.active:
            try:
                weights = learner.backward(losses, extra, features, part, last)
            except Exception:
                self.collect_losses()  # a method may fail on a NaN: the loss says whose it is
                raise
            self.weights.add(self.step, weights or {})
            extra = None  # it has reached every parameter that it can

    def collect_losses(self) -> None:
        """Reads what the steps left on the device, and refuses what no training survives."""
        for learner in self.learners:
            learner.weighting.check()
        self.losses.collect()

    def end_epoch(self) -> tuple[dict[str, float], dict[str, float]]:
        """The epoch's mean losses and mean weights by task; the next one's begin at nothing."""
        self.weights.collect()
        means = self.losses.means(), self.weights.means()
        self.losses.clear()
        self.weights.clear()
        return means

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        self.collect_losses()
        self.weights.collect()
        return {
            "step": self.step,
            "learners": [learner.state_dict() for learner in self.learners],
            "losses": self.losses.state_dict(),
            "weights": self.weights.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "observer": None if self.observer is None else self.observer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.step = state["step"]
        for learner, own in zip(self.learners, state["learners"], strict=True):
            learner.load_state_dict(own)
        self.losses.load_state_dict(state["losses"])
        self.weights.load_state_dict(state["weights"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.observer is not None:
            self.observer.load_state_dict(state["observer"])
