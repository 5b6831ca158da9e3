"""Columns that name rows: no input, but they stand beside predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtl_cli.dataset.columns.column import Column, Learned, Written
from mtl_cli.dataset.files.parts import Place


@dataclass(frozen=True)
class Id(Column):
    """Nothing of a row's for the model; its cell, for who reads the predictions.

    Args:
        name: the column's.
    """

    name: str
    as_text: ClassVar[bool] = True
    is_shown: ClassVar[bool] = True

    @classmethod
    def learn(cls, written: Written) -> Learned:
        return Learned(written.cells.null_count, "no input; beside predictions", cls(written.name))

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        return []

    def plain(self, values: np.ndarray) -> np.ndarray:
        return values
