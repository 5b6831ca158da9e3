"""Several observers as one, which is all that a training knows of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model
from mtl_cli.training.observer import Observer


class Observers(Observer):
    """Each looks at its own steps. A single one leaves in a checkpoint what it would leave alone.

    Args:
        parts: the observers by their names, at least one.
    """

    def __init__(self, parts: Mapping[str, Observer]) -> None:
        super().__init__(every=1)
        self.parts = dict(parts)

    def wants(self, step: int) -> bool:
        return any(part.wants(step) for part in self.parts.values())

    def before_backward(
        self, epoch: int, step: int, model: Model, losses: dict[str, Tensor]
    ) -> None:
        for part in self.looking(step):
            part.before_backward(epoch, step, model, losses)

    def after_backward(self, epoch: int, step: int, model: Model) -> None:
        for part in self.looking(step):
            part.after_backward(epoch, step, model)

    def looking(self, step: int) -> list[Observer]:
        """Those that look at a step."""
        return [part for part in self.parts.values() if part.wants(step)]

    def finish(self, folder: RunFolder, title: str) -> str:
        return "\n\n".join(part.finish(folder, title) for part in self.parts.values())

    def state_dict(self) -> dict[str, Any]:
        states = {name: part.state_dict() for name, part in self.parts.items()}
        return states if len(states) > 1 else next(iter(states.values()))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        states = state if len(self.parts) > 1 else dict.fromkeys(self.parts, state)
        for name, part in self.parts.items():
            part.load_state_dict(states[name])
