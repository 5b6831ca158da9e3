"""Modules that hold layers of an encoder, and how many layers come after each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from torch import nn


class Layered(nn.Module):
    """A module that holds layers of an encoder, wherever an architecture puts it."""

    @abstractmethod
    def above(self) -> Iterator[tuple[nn.Module, int]]:
        """What it holds, each with how many layers of the encoder come after it."""


def layers_above(model: nn.Module) -> dict[nn.Parameter, int]:
    """How many layers come after each parameter of an encoder with layers; what several share
    counts as the lowest of them."""
    found: dict[nn.Parameter, int] = {}
    for module in model.modules():
        for part, above in module.above() if isinstance(module, Layered) else ():
            for parameter in part.parameters():
                found[parameter] = max(above, found.get(parameter, 0))
    return found
