"""Numbers: standardised by the train rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.dataset.columns.column import Learned, Written
from mtl_cli.dataset.columns.ids import id_hint, ids_hint
from mtl_cli.dataset.columns.measured import Measured, standardised
from mtl_cli.dataset.columns.numbers import is_numeric, numbers
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Number(Measured):
    """``(value - mean) / deviation``; a missing value counts as the mean.

    Args:
        name: the column's.
        mean, deviation: of the train rows.
        flagged: whether a second number says which values are missing, by 1.
        decimal, thousands: how text is a number; see `Writing`.
    """

    name: str
    mean: float
    deviation: float
    flagged: bool
    decimal: str
    thousands: str | None

    @classmethod
    def suits(cls, kind: pyarrow.DataType) -> bool:
        return is_numeric(kind)

    @classmethod
    def learn(cls, written: Written, decimal: str, thousands: str | None) -> Learned:
        """Where all train rows have the same number, it is dropped.

        Args:
            written: the column.
            decimal, thousands: how text is a number; see `Writing`.
        """
        name = written.name
        writing = Writing(decimal, thousands)
        writing.check(f"dataset.columns.{name}")
        fix = words_for(name, "type: category")
        own = (name, written.cells, written.place, fix, writing)
        values = numbers(*own, mend=lambda other: other.words(name))
        missing = int(np.isnan(values).sum())
        own = values[written.train]
        flagged = bool(np.isnan(own).any())
        if flagged:
            own = own[~np.isnan(own)]
        if not len(own) or (own == own[0]).all():
            return Learned(missing, "the same number in all of train")
        column = cls(written.name, float(own.mean()), float(own.std()), flagged, decimal, thousands)
        about = f"mean {column.mean:.4g}, deviation {column.deviation:.4g}"
        about += ", flagged where missing" * flagged
        about += f"; {hint}" if (hint := id_hint(written) or ids_hint(written)) else ""
        return Learned(missing, about, column, column.standardise(values))

    @property
    def num_numbers(self) -> int:
        return 1 + self.flagged

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        return self.standardise(self.values(cells, place))

    def values(self, cells: Any, place: Place) -> np.ndarray:
        fix = "mend the cell, or leave it empty: it was a number in training"
        writing = Writing(self.decimal, self.thousands)
        return numbers(self.name, cells, place, fix, writing)

    def said(self) -> dict[str, Any]:
        return {**super().said(), "mean": self.mean, "deviation": self.deviation}

    def usual(self) -> float:
        return float(f"{self.mean:.3g}")

    def drawn(self, draw: np.random.Generator, number: int) -> list[Any]:
        return draw.normal(self.mean, self.deviation, number).tolist()

    def scaled(self, values: Tensor) -> list[Tensor]:
        missing = values.isnan()
        own = standardised(values, self.mean, self.deviation)
        scaled = torch.where(missing, 0.0, own)
        return [scaled, missing] if self.flagged else [scaled]

    def standardise(self, values: np.ndarray) -> list[np.ndarray]:
        """Of values, NaN where they are missing: floats [B], and flags [B] where it has some."""
        missing = np.isnan(values)
        scaled = (values - self.mean) / self.deviation
        scaled[missing] = 0
        return [scaled, missing] if self.flagged else [scaled]

    def plain(self, values: np.ndarray) -> np.ndarray:
        if not self.flagged:
            return values
        return np.where(values[:, 1:] > 0, np.nan, values[:, :1])
