"""Weights that a training leaves as they are: written once in a run folder, not in each checkpoint.

A checkpoint names them by the digest of their file, so that it is never read with others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mtl_cli.disk import checkpoint
from mtl_cli.disk.run_folder import RunFolder


def frozen_in(model: nn.Module) -> frozenset[str]:
    """The names of the parameters that no training changes."""
    named = model.named_parameters(remove_duplicate=False)
    return frozenset(name for name, p in named if not p.requires_grad)


class Checkpoints:
    """Writes the checkpoints of a run, and once what all of them have in common.

    Args:
        model: that is trained.
        folder: of the run.
    """

    def __init__(self, model: nn.Module, folder: RunFolder) -> None:
        self.folder = folder
        self.model = model
        self.names = frozen_in(model)
        self.digest: str | None = None  # of the file, once it is there

    def without(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights that a training changes."""
        return {name: value for name, value in weights.items() if name not in self.names}

    def load_last(self) -> dict[str, Any]:
        """What the last checkpoint holds, from which the run goes on."""
        state = checkpoint.load(self.folder.last)
        self.digest = state.get(checkpoint.FROZEN)
        return state

    def keep_last(self, state: Mapping[str, Any]) -> None:
        """Writes the last checkpoint."""
        self.keep(self.folder.last, state)

    def keep_best(self, state: Mapping[str, Any]) -> None:
        """Writes that of the best weights."""
        self.keep(self.folder.best, state)

    def keep(self, path: Path, state: Mapping[str, Any]) -> None:
        if not self.folder.writes:
            return
        own = dict(state) | {"model": self.without(state["model"])}
        if self.names:
            if self.digest is None:
                whole = self.model.state_dict()
                frozen = {name: whole[name] for name in sorted(self.names)}
                self.digest = checkpoint.save(self.folder.frozen, {"model": frozen})
            own[checkpoint.FROZEN] = self.digest
        checkpoint.save(path, own)
