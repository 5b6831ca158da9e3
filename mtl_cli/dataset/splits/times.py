"""The last rows by a column are test, those before them val: what is to come is what is tested."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.numbers import first_of
from mtl_cli.dataset.files.cells import BLANK
from mtl_cli.dataset.files.parts import Place


def moments_of(cells: Any, place: Place, slot: str) -> np.ndarray:
    """When each row is, as numbers in order, [N].

    Args:
        cells: text: whole numbers, numbers, or dates and times as ISO 8601 writes them
            (``2024-05-31``, ``2024-05-31 18:00:00``); without a zone they are UTC's.
        place: where the rows are from.
        slot: where the options stand in the config.

    Raises:
        ValueError: where a cell is missing, or no such thing.
    """
    import pandas
    import pyarrow
    from pyarrow import compute

    text = compute.utf8_trim_whitespace(cells.cast(pyarrow.string()))
    text = compute.if_else(compute.is_in(text, pyarrow.array(BLANK)), None, text)
    text = text.combine_chunks() if isinstance(text, pyarrow.ChunkedArray) else text
    for kind in (pyarrow.int64(), pyarrow.float64()):
        try:
            numbers = text.cast(kind)
        except pyarrow.ArrowInvalid:
            continue
        filled = numbers.fill_null(0) if kind == pyarrow.int64() else numbers.fill_null(np.nan)
        values = filled.to_numpy()
        wrong = text.is_null().to_numpy(zero_copy_only=False) | ~np.isfinite(values)
        break
    else:
        series = pandas.Series(text.to_pylist(), dtype=object)
        dates = pandas.to_datetime(series, format="ISO8601", utc=True, errors="coerce")
        wrong = dates.isna().to_numpy()
        values = dates.to_numpy("datetime64[us]").astype(np.int64)
    if wrong.any():
        rule = "must say when each row is: a number, or a date such as 2024-05-31"
        fix = f"another column, or {slot}.by=group"
        raise problem(f"{slot}.column", rule, first_of(cells, wrong, place), fix)
    return values


def take_last(moments: np.ndarray, val: float, test: float, slot: str) -> dict[str, np.ndarray]:
    """The last rows for test, those before them for val. Rows of one moment stay together: a split
    begins at the moment that makes its share nearest to what was asked for.

    Args:
        moments: when each row is, [N].
        val: the share of val, of all N, from 0; at least one moment, unless it is 0.
        test: the share of test, likewise.
        slot: where the options stand in the config.

    Raises:
        ValueError: where there are too few moments to have one in each split.
    """
    rows = {"train": np.arange(len(moments)), "val": np.arange(0), "test": np.arange(0)}
    wanted = [(split, share) for split, share in (("test", test), ("val", val)) if share]
    number = len(np.unique(moments))
    if number <= len(wanted):
        rule, found = "must leave earlier rows to train on", f"{number} different moments"
        fix = f"a column that tells more rows apart, or {slot}.by=group"
        raise problem(f"{slot}.column", rule, found, fix)
    for i, (split, share) in enumerate(wanted):
        left = rows["train"]
        values, counts = np.unique(moments[left], return_counts=True)
        earlier = len(wanted) - i  # moments that the other splits need
        from_here_on = np.cumsum(counts[::-1])[::-1][earlier:]  # rows of a moment and all later
        nearest = np.argmin(np.abs(from_here_on - round(share * len(moments))))
        later = moments[left] >= values[earlier + nearest]
        rows["train"], rows[split] = left[~later], left[later]
    return rows
