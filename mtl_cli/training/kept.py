"""What a checkpoint holds of a training, so that it goes on to the bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from mtl_cli.basis import ranks
from mtl_cli.basis.seed import generator_states, restore_generators
from mtl_cli.disk import checkpoint
from mtl_cli.disk.frozen import Checkpoints
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model
from mtl_cli.training.best_weights import BestWeights
from mtl_cli.training.ending import Ending
from mtl_cli.training.updates import Updates


class Kept:
    """Writes the last checkpoint, and takes it back.

    Args:
        model: whose weights are kept.
        updates: with optimizers, schedules and weightings.
        best: the best weights so far.
        ending: what the training has used of its limits.
        folder: whose ``metrics.csv`` goes with the checkpoint.
        checkpoints: writes it.
        device: whose generators are kept.
    """

    def __init__(
        self,
        model: Model,
        updates: Updates,
        best: BestWeights,
        ending: Ending,
        folder: RunFolder,
        checkpoints: Checkpoints,
        device: torch.device,
    ) -> None:
        self.model = model
        self.updates = updates
        self.best = best
        self.ending = ending
        self.folder = folder
        self.checkpoints = checkpoints
        self.device = device

    def save(self, counters: Mapping[str, Any]) -> None:
        """Writes all that there is, with the trainer's own ``counters``."""
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "generators": generator_states(self.device),
            "metrics_length": self.folder.metrics_length(),
            "best": self.best.state_dict(),
            "total_steps": self.ending.total_steps,
            "ending": self.ending.state_dict(),
        }
        self.checkpoints.keep_last(state | self.updates.state_dict() | dict(counters))

    def read(self) -> dict[str, Any]:
        """What the first process finds in the file."""
        return ranks.of_first(self.checkpoints.load_last() if ranks.rank() == 0 else {})

    def take_back(self, state: dict[str, Any]) -> None:
        """Takes back what was read; from here on the folder changes."""
        checkpoint.load_weights(self.model, state["model"], self.folder.last)
        self.updates.load_state_dict(state)
        seconds = math.fsum(state["epoch_seconds"]) + state["seconds"]
        self.ending.load_state_dict(state.get("ending"), state["step"], seconds)
        self.best.load_state_dict(state.get("best"))
        restore_generators(state["generators"], self.device)
        self.folder.cut_metrics(state["metrics_length"])
        self.best.save_again()
