"""The best weights so far: each learner's, of the epoch that was best for its own tasks."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from mtl_cli import checkpoint
from mtl_cli.evaluation import Figures
from mtl_cli.learner import Learner
from mtl_cli.model import Model


class BestWeights:
    """Keeps a copy of them, in memory and in a file.

    Args:
        model: whose weights.
        learners: each selects by its own tasks' validation figures.
        path: the file.
    """

    def __init__(self, model: Model, learners: list[Learner], path: Path) -> None:
        self.model = model
        self.learners = learners
        self.path = path
        self.weights: dict[str, Tensor] = {}

    def update(self, epoch: int, learners: list[Learner], figures: Figures) -> list[Learner]:
        """Keeps the weights of those ``learners`` whose figures are their best; says which."""
        improved = [learner for learner in learners if learner.best.note(epoch, figures)]
        state = self.model.state_dict()
        for learner in improved:
            names = learner.group.state_names
            self.weights |= {name: state[name].detach().clone() for name in names}
        if improved:
            self.save(state | self.weights)
        return improved

    def use_last(self, epoch: int) -> None:
        """Without a val split, the best weights are the last ones."""
        for learner in self.learners:
            learner.best.epoch = epoch
        self.save(self.model.state_dict())

    def save(self, weights: dict[str, Tensor]) -> None:
        best = [learner.best.state_dict() for learner in self.learners]
        checkpoint.save(self.path, {"model": weights, "learners": best})

    def load(self) -> None:
        """Takes back what the file holds."""
        state = checkpoint.load(self.path)
        self.weights = state["model"]
        for learner, best in zip(self.learners, state["learners"], strict=True):
            learner.best.load_state_dict(best)

    def restore(self) -> None:
        """Puts them into the model."""
        self.model.load_state_dict(self.model.state_dict() | self.weights)
