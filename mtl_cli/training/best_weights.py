"""The best weights so far: each learner's, of the epoch that was best for its own tasks."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mtl_cli.disk import checkpoint
from mtl_cli.disk.frozen import Checkpoints
from mtl_cli.model.model import Model
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.learner import Learner


class BestWeights:
    """Keeps a copy of them, in memory and in a file.

    Args:
        model: whose weights.
        learners: each selects by its own tasks' validation figures.
        checkpoints: writes the file.
    """

    def __init__(self, model: Model, learners: list[Learner], checkpoints: Checkpoints) -> None:
        self.model = model
        self.learners = learners
        self.checkpoints, self.path = checkpoints, checkpoints.folder.best
        self.weights: dict[str, Tensor] = {}

    def update(self, epoch: int, learners: list[Learner], figures: Figures) -> list[Learner]:
        """Keeps the weights of those ``learners`` whose figures are their best; says which."""
        improved = [learner for learner in learners if learner.best.note(epoch, figures)]
        state = self.model.state_dict()
        for learner in improved:
            own = self.checkpoints.without({n: state[n] for n in learner.group.state_names})
            self.weights |= {name: value.detach().clone() for name, value in own.items()}
        if improved:
            self.save(state | self.weights)
        return improved

    def use_last(self, epoch: int) -> None:
        """Without a val split, the best weights are the last ones."""
        for learner in self.learners:
            learner.best.epoch = epoch
        self.save(self.model.state_dict())

    def save(self, weights: dict[str, Tensor]) -> None:
        """Writes the file."""
        self.checkpoints.keep_best(self.state_dict() | {"model": weights})

    def save_again(self) -> None:
        """Writes the file as the last checkpoint has it; a killed run's may be an epoch ahead."""
        if self.weights:
            self.save(self.model.state_dict() | self.weights)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep: the best weights belong to the moment that it is of."""
        best = [learner.best.state_dict() for learner in self.learners]
        return {"model": self.weights, "learners": best}

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Takes back what `state_dict` gave; None: an older version, which had it in the file."""
        if state is None and not self.path.exists():
            return
        state = checkpoint.load(self.path) if state is None else state
        checkpoint.check_weights(self.model, self.model.state_dict() | state["model"], self.path)
        self.weights = self.checkpoints.without(state["model"])
        for learner, best in zip(self.learners, state["learners"], strict=True):
            learner.best.load_state_dict(best)

    def restore(self) -> None:
        """Puts them into the model."""
        self.model.load_state_dict(self.model.state_dict() | self.weights)
