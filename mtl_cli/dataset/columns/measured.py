"""Columns whose cells are one number each, of which the model's numbers of a row are made."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.dataset.columns.column import Column
from mtl_cli.dataset.files.parts import Place


class Measured(Column):
    """A column of numbers, or of what can be one.

    Attributes:
        unit: of these numbers, in words.
    """

    unit: ClassVar[str] = "as in the column"

    @abstractmethod
    def values(self, cells: Any, place: Place) -> np.ndarray:
        """The number of each of new cells, [B] in double precision, NaN where it is missing.

        Raises:
            ValueError: where a cell is none of this type.
        """

    def said(self) -> dict[str, Any]:
        """How a cell becomes such a number, as plain data, for who has the program alone."""
        return {"unit": self.unit}

    @abstractmethod
    def usual(self) -> Any:
        """A cell, made up of what is known of all."""

    @abstractmethod
    def drawn(self, draw: np.random.Generator, number: int) -> list[Any]:
        """Made-up cells, to try a program on."""

    @abstractmethod
    def scaled(self, values: Tensor) -> list[Tensor]:
        """What `codes` makes of such numbers [B], each [B] too, in operations of torch: so that a
        program without this package can do it."""


def standardised(values: Tensor, mean: float, deviation: float) -> Tensor:
    """``(values - mean) / deviation``, also in a program in ONNX: in one a number of Python is of
    single precision whatever it meets, and would move seconds since 1970 by a minute."""
    by, unit = (torch.tensor(own, dtype=values.dtype) for own in (mean, deviation))
    return (values - by) / unit
