"""Rows of numbers that a model reads as they are, by the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtl_cli.exported.entry import BATCH, Entry, Given

NUMBERS = "numbers"


class Numbered(Entry):
    """Numbers, in the order of their columns.

    Args:
        columns: their names.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        shape, example = (BATCH, len(columns)), [0.0] * len(columns)
        said = "the cells of the columns"
        super().__init__([Given(NUMBERS, shape, torch.float32, said, example)])
        self.columns = list(columns)

    def forward(self, given: Mapping[str, Tensor]) -> Tensor:
        return given[NUMBERS]

    def of(self, x: Tensor) -> dict[str, Tensor]:
        return {NUMBERS: x}

    def said(self) -> dict[str, Any]:
        own = {"input": NUMBERS, "type": "number", "unit": "as in the column", "example": 0.0}
        return {"columns": [{"name": n, "place": i, **own} for i, n in enumerate(self.columns)]}
