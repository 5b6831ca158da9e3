"""Cells of a column that name something, a class say: which different ones, and how often each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.files.canonical import canonical
from mtl_cli.dataset.files.parts import Place

# What stands in a cell for nothing: as spreadsheets, R, pandas and databases write it.
BLANK = ("", "?")
MISSING = (*BLANK, *("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None"))


@dataclass
class SeenLabels:
    """The different labels of a column, met chunk by chunk.

    Attributes:
        counts: ``{label: how often}``, without missing ones.
        first: ``{label: where it was met first}``.
    """

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, cells: Any, place: Place, known: Collection[str] = ()) -> None:
        """Counts the labels of some rows: of a column of a frame, an Arrow array, or a list; those
        that are ``known`` are not missing, see `encode`."""
        codes, labels = encode(cells, known)
        present, firsts = np.unique(codes, return_index=True)
        numbers = np.bincount(codes[codes >= 0], minlength=len(labels))
        for code, first in zip(present, firsts, strict=True):
            if code >= 0:
                label = labels[code]
                self.first.setdefault(label, place(int(first)))
                self.counts[label] = self.counts.get(label, 0) + int(numbers[code])


def encode(
    cells: Any, known: Collection[str] = (), write: Callable[[str], str] = canonical
) -> tuple[np.ndarray, list[str]]:
    """The different cells, and which of them each one is; -1 where it is missing.

    Args:
        cells: of a frame's column, an Arrow array, or a list.
        known: what is a value here, also where it is a word for nothing elsewhere (``None``).
        write: makes one of all writings of a value; ``str``: each is a value of its own.

    Returns:
        The number of each cell's value, and the values so written.
    """
    import pyarrow
    from pyarrow import compute

    array = cells if isinstance(cells, pyarrow.ChunkedArray) else pyarrow.array(cells)
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    if not pyarrow.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if pyarrow.types.is_null(array.dictionary.type):
        return np.full(len(array), -1), []
    written = compute.cast(array.dictionary, pyarrow.string())
    trimmed = compute.utf8_trim_whitespace(written).to_pylist()
    nothing = {*MISSING} - {*known}
    values = [None if x is None or x in nothing else write(x) for x in trimmed]
    labels = list(dict.fromkeys(x for x in values if x is not None))
    index: dict[str | None, int] = {label: i for i, label in enumerate(labels)}
    codes = np.array([index.get(x, -1) for x in values], dtype=np.int64)
    return append(codes, -1)[array.indices.fill_null(-1).to_numpy()], labels


def append(values: np.ndarray, last: float) -> np.ndarray:
    """With the value for index -1 at the end."""
    return np.append(values, last).astype(values.dtype)


def sort_names(names: Iterable[str]) -> list[str]:
    """By value where all are numbers, else by the alphabet."""
    ordered = sorted(names)
    return sorted(ordered, key=float) if all(map(is_number, ordered)) else ordered
