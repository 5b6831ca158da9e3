"""Dates and times as people write them, and how a column would be told to hold them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.dataset.columns.column import Written
from mtl_cli.dataset.columns.writing import MANY, present
from mtl_cli.dataset.files.column_names import words_for

if TYPE_CHECKING:
    import pyarrow

LIKE_ONE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T].*)?")
DAYS = (
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
)
FORMATS = (None, *(day + time for day in DAYS for time in ("", " %H:%M", " %H:%M:%S")))


def moments(cells: Any, date_format: str | None) -> tuple[np.ndarray, np.ndarray]:
    """When each cell is, in days since 1970 in UTC [B], NaN where it is missing or no date; and
    which are no dates [B].

    Args:
        cells: text, dates or times.
        date_format: as `strftime` has it; None: ISO 8601, as which all else is read anyway, and
            which Arrow gives where a file stores dates.
    """
    import pandas

    text = present(cells)
    series = pandas.Series(text.to_pylist(), dtype=object)
    iso = "ISO8601"
    dates = pandas.to_datetime(series, format=date_format or iso, utc=True, errors="coerce")
    if date_format is not None:
        dates = dates.fillna(pandas.to_datetime(series, format=iso, utc=True, errors="coerce"))
    days = dates.to_numpy("datetime64[us]").astype(np.int64) / 86_400e6
    none = dates.isna().to_numpy()
    days[none] = np.nan
    return days, none & ~text.is_null().to_numpy(zero_copy_only=False)


def date_hint(written: Written) -> str:
    """What to type for a column whose cells are all dates; else nothing."""
    words = [] if written.said else [option(how) for how in formats_of(written.cells)]
    said = [words_for(written.name, own) for own in words[:2]]
    return f"dates: {' or '.join(said)} makes numbers of them" if said else ""


def formats_of(cells: Any) -> list[str | None]:
    """The formats by which all cells are dates, the likeliest first; None: ISO 8601."""
    some = present(cells[:MANY])
    first = next((cell for cell in some.to_pylist() if cell is not None), "")
    if not LIKE_ONE.fullmatch(first):
        return []
    text = present(cells)
    read = [how for how in FORMATS if reads(some, how) and reads(text, how)]
    return [None] if None in read else read  # which is read by any other format too


def option(date_format: str | None) -> str:
    """The options of such a column."""
    return "type: date" + (f', date_format: "{date_format}"' if date_format else "")


def reads(cells: pyarrow.Array, date_format: str | None) -> bool:
    """Whether there are dates in cells, and nothing else."""
    days, wrong = moments(cells, date_format)
    return bool(np.isfinite(days).any() and not wrong.any())
