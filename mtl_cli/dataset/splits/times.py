"""When each row is, by a column: numbers, or dates as ISO 8601 or a format says them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.moments import formats_of, moments
from mtl_cli.dataset.columns.numbers import first_of
from mtl_cli.dataset.files.canonical import canonical
from mtl_cli.dataset.files.cells import BLANK
from mtl_cli.dataset.files.parts import Place

Clock = Callable[[Any], np.ndarray | None]  # text -> its moments; None: it says none of this kind
FROM = "from "  # may stand before a moment: "from 2021", where 2021 alone is a number of rows


@dataclass(frozen=True)
class Moments:
    """When each row is.

    Args:
        values: numbers in order, [N].
        text: as the cells say it, an Arrow array.
        clock: by which they were read.
    """

    values: np.ndarray
    text: Any
    clock: Clock

    def of(self, said: str, slot: str) -> Any:
        """A moment that is said in a config, as a number.

        Raises:
            ValueError: where it is not said as the column says moments.
        """
        import pyarrow

        found = self.clock(pyarrow.array([said.removeprefix(FROM).strip()]))
        if found is None:
            late = self.said(int(np.argsort(self.values)[int(0.8 * len(self.values))]))
            rule = "must be a share, a number of rows, or a moment as the column says it"
            raise problem(slot, rule, said, f"'{slot}={late}'")
        return found[0]

    def take(self, rows: np.ndarray) -> Moments:
        """Those of some rows."""
        return Moments(self.values[rows], self.text.take(rows), self.clock)

    def said(self, row: int) -> str:
        """The moment of a row, as it can be said in a config."""
        text = canonical(self.text[row].as_py())
        return f"{FROM}{text}" if is_number(text) else text

    def ends(self, rows: np.ndarray) -> tuple[str, str]:
        """The first and the last moment of some rows, at least one."""
        own = self.values[rows]
        first, last = (int(rows[at]) for at in (np.argmin(own), np.argmax(own)))
        return canonical(self.text[first].as_py()), canonical(self.text[last].as_py())


def moments_of(cells: Any, place: Place, slot: str, date_format: str | None) -> Moments:
    """When each row is.

    Args:
        cells: text: whole numbers, numbers, or dates and times as ISO 8601 writes them
            (``2024-05-31``, ``2024-05-31 18:00:00``); without a zone they are UTC's.
        place: where the rows are from.
        slot: where the options stand in the config.
        date_format: of dates that are written in another way; see `moments`. It is tried first.

    Raises:
        ValueError: where a cell is missing, or no such thing.
    """
    import pyarrow
    from pyarrow import compute

    text = compute.utf8_trim_whitespace(cells.cast(pyarrow.string()))
    text = compute.if_else(compute.is_in(text, pyarrow.array(BLANK)), None, text)
    text = text.combine_chunks() if isinstance(text, pyarrow.ChunkedArray) else text
    blank = text.is_null().to_numpy(zero_copy_only=False)
    clocks = [*([dates(date_format)] if date_format else []), whole_numbers, numbers, dates(None)]
    there = text.drop_null()
    for clock in clocks:
        values = clock(there)
        if values is None:
            continue
        wrong = blank.copy()
        wrong[~blank] = ~np.isfinite(values)
        if not wrong.any():
            return Moments(values, text, clock)
        break
    else:
        wrong = ~np.isfinite(moments(text, date_format)[0])
    usual = date_format or "2024-05-31"
    rule = f"must say when each row is: a number, or a date such as {usual}"
    known = [how for how in formats_of(there) if how]
    ways = [f"'{slot}.date_format=\"{how}\"'" for how in known[:2]]
    fix = " or ".join(ways) or f"'{slot}.date_format=\"%d.%m.%Y\"', as its dates are written, "
    fix += "" if ways else f"or another column, or {slot}.by=group"
    raise problem(f"{slot}.column", rule, first_of(cells, wrong, place), fix)


def whole_numbers(text: Any) -> np.ndarray | None:
    """Whole numbers, in full."""
    return cast(text, "int64")


def numbers(text: Any) -> np.ndarray | None:
    """Numbers, of which some may not be finite."""
    return cast(text, "float64")


def cast(text: Any, kind: str) -> np.ndarray | None:
    """Text as an Arrow type of numbers; None where some of it is no such thing."""
    import pyarrow

    try:
        return text.cast(kind).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        return None


def dates(date_format: str | None) -> Clock:
    """Dates of a format, as days; None: of ISO 8601."""

    def days_of(text: Any) -> np.ndarray | None:
        days, wrong = moments(text, date_format)
        return None if wrong.any() or not np.isfinite(days).all() else days

    return days_of
