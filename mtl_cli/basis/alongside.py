"""Modules that run side by side, none after another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from torch import nn


class Alongside(nn.Module):
    """Runs modules side by side: each of them has a last layer of its own."""

    @abstractmethod
    def alongside(self) -> Iterable[nn.Module]:
        """These modules."""
