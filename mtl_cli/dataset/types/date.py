"""Dates and times: how long ago, which day of the week, which hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.column import Learned, Written
from mtl_cli.dataset.columns.measured import Measured, standardised
from mtl_cli.dataset.columns.moments import moments
from mtl_cli.dataset.columns.numbers import first_of
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.parts import Place

THURSDAY = 3  # 1970 began on one; Monday is 0


@dataclass(frozen=True)
class Date(Measured):
    """``(days - mean) / deviation``, then sine and cosine of ``2 pi weekday / 7`` and, where train
    has times, of ``2 pi hour / 24``; all are 0 where it is missing. Without a zone it is in UTC.

    Args:
        name: the column's.
        date_format: see `moments`.
        mean, deviation: of the train rows' days since 1970.
        timed: whether a train row is not at midnight.
        flagged: whether a last number says which are missing, by 1.
    """

    name: str
    date_format: str | None
    mean: float
    deviation: float
    timed: bool
    flagged: bool
    as_text: ClassVar[bool] = True
    unit: ClassVar[str] = "days since 1970 began, in UTC"

    @classmethod
    def learn(cls, written: Written, date_format: str | None) -> Learned:
        """Where all train rows have the same date, it is dropped.

        Args:
            written: the column.
            date_format: see `moments`.
        """
        fix = f"another date_format, or {words_for(written.name, 'type: category')}"
        days = read(written.name, written.cells, written.place, date_format, fix)
        missing = np.isnan(days)
        own = days[written.train]
        there = own[~np.isnan(own)]
        if not len(there) or (there == there[0]).all():
            return Learned(int(missing.sum()), "the same date in all of train")
        timed, flagged = bool((there % 1 > 0).any()), len(there) < len(own)
        mean, deviation = float(there.mean()), float(there.std())
        column = cls(written.name, date_format, mean, deviation, timed, flagged)
        first, last = (np.datetime64(int(day), "D") for day in (there.min(), there.max()))
        about = f"{first} to {last}: days, weekday" + ", hour" * timed
        about += ", flagged where missing" * flagged
        return Learned(int(missing.sum()), about, column, column.numbers(days))

    @property
    def num_numbers(self) -> int:
        return 3 + 2 * self.timed + self.flagged

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        return self.numbers(self.values(cells, place))

    def values(self, cells: Any, place: Place) -> np.ndarray:
        fix = "mend the cell, or leave it empty: it was a date in training"
        return read(self.name, cells, place, self.date_format, fix)

    def said(self) -> dict[str, Any]:
        return {**super().said(), "format": self.date_format}

    def usual(self) -> str:
        return self.written(np.floor(self.mean))

    def drawn(self, draw: np.random.Generator, number: int) -> list[Any]:
        days = draw.normal(self.mean, self.deviation, number)
        return [self.written(day) for day in (days if self.timed else np.floor(days))]

    def written(self, day: float) -> str:
        """A number of days since 1970 as a cell."""
        moment = (np.datetime64(0, "s") + np.timedelta64(round(86_400 * day), "s")).item()
        return moment.strftime(self.date_format) if self.date_format else moment.isoformat()

    def scaled(self, values: Tensor) -> list[Tensor]:
        missing = values.isnan()
        days = torch.where(missing, 0.0, values)
        turns = [(days.floor() + THURSDAY) % 7 / 7] + [days % 1] * self.timed
        waves = [wave(2 * np.pi * turn) for turn in turns for wave in (torch.sin, torch.cos)]
        found = [standardised(days, self.mean, self.deviation), *waves]
        found = [torch.where(missing, 0.0, own) for own in found]
        return [*found, missing] if self.flagged else found

    def numbers(self, days: np.ndarray) -> list[np.ndarray]:
        """Of days since 1970, NaN where they are missing."""
        missing = np.isnan(days)
        turns = [(np.floor(days) + THURSDAY) % 7 / 7] + [days % 1] * self.timed
        waves = [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
        found = [(days - self.mean) / self.deviation, *waves]
        for values in found:
            values[missing] = 0
        return [*found, missing] if self.flagged else found

    def plain(self, values: np.ndarray) -> np.ndarray:
        if not self.flagged:
            return values
        return np.where(values[:, -1:] > 0, np.nan, values[:, :-1])


def read(name: str, cells: Any, place: Place, date_format: str | None, fix: str) -> np.ndarray:
    """The days since 1970 of a column [B], NaN where they are missing.

    Raises:
        ValueError: where a cell is no date of this format.
    """
    days, wrong = moments(cells, date_format)
    if wrong.any():
        rule = f"must hold dates such as {date_format or '2021-03-04 or 2021-03-04 08:15'}"
        raise problem(f"column {name}", rule, first_of(cells, wrong, place), fix)
    return days
