"""Several observers as one, which is all that a training knows of."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model
from mtl_cli.training.observer import NothingToMeasure, Observer

NOTHING = {"nothing": True}  # in a checkpoint, of one that has nothing to measure

log = logging.getLogger(__name__)


class Observers(Observer):
    """Each looks at its own steps. A single one leaves in a checkpoint what it would leave alone.

    One that has nothing to measure is said once, with the reason, and leaves nothing.

    Args:
        parts: the observers by their names, at least one.
    """

    def __init__(self, parts: Mapping[str, Observer]) -> None:
        super().__init__(every=1)
        self.parts = dict(parts)
        self.idle: set[str] = set()  # have nothing to measure

    @property
    def watching(self) -> dict[str, Observer]:
        """Those that have something to measure, as far as is known."""
        return {name: part for name, part in self.parts.items() if name not in self.idle}

    def wants(self, step: int) -> bool:
        return any(part.wants(step) for part in self.watching.values())

    def before_backward(
        self, epoch: int, step: int, model: Model, losses: dict[str, Tensor]
    ) -> None:
        for name, part in self.looking(step):
            with self.unless_nothing(name):
                part.before_backward(epoch, step, model, losses)

    def after_backward(self, epoch: int, step: int, model: Model) -> None:
        for name, part in self.looking(step):
            with self.unless_nothing(name):
                part.after_backward(epoch, step, model)

    def looking(self, step: int) -> list[tuple[str, Observer]]:
        """Those that look at a step, with their names."""
        return [(name, part) for name, part in self.watching.items() if part.wants(step)]

    @contextmanager
    def unless_nothing(self, name: str) -> Iterator[None]:
        """In which an observer looks; where it has nothing to measure, it looks no more."""
        try:
            yield
        except NothingToMeasure as why:
            self.idle.add(name)
            said = f"{why.thing} has nothing to measure: it {why.rule}, and here is {why.found}"
            log.warning("WARNING     %s", said)

    def finish(self, folder: RunFolder, title: str) -> str:
        return "\n\n".join(part.finish(folder, title) for part in self.watching.values())

    def state_dict(self) -> dict[str, Any]:
        states = {
            name: NOTHING if name in self.idle else part.state_dict()
            for name, part in self.parts.items()
        }
        return states if len(states) > 1 else next(iter(states.values()))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        states = state if len(self.parts) > 1 else dict.fromkeys(self.parts, state)
        self.idle = {name for name in self.parts if list(states[name]) == list(NOTHING)}
        for name, part in self.watching.items():
            part.load_state_dict(states[name])
