"""Parts of an input, of which an example may lack some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.batch import Examples, Joint
from mtl_cli.exported.entry import BATCH, Entry, Given


class Parts(Entry):
    """The tensors of each part, and which parts each example has.

    Args:
        parts: the entry of each.
        prefix: of the name of what says which there are.
    """

    def __init__(self, parts: Mapping[str, Entry], prefix: str) -> None:
        names = ", ".join(parts)
        there = Given(
            f"{prefix}present",
            (BATCH, len(parts)),
            torch.bool,
            f"whether the example has each part: {names}",
            [True] * len(parts),
        )
        super().__init__([*(own for entry in parts.values() for own in entry.tensors), there])
        self.names = list(parts)
        self.entries = nn.ModuleList(parts.values())

    def forward(self, given: Mapping[str, Tensor]) -> Examples:
        parts = {n: entry(given) for n, entry in zip(self.names, self.entries, strict=True)}
        return Joint(parts, given[self.tensors[-1].name])

    def of(self, x: Any) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, entry in zip(self.names, self.entries, strict=True):
            found |= entry.of(x.parts[name])  # type: ignore[operator]
        return found | {self.tensors[-1].name: x.present}
