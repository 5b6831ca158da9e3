"""Cells that hold several categories each, stored as lists or as text with a mark between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.dataset.columns.vocabulary import Vocabulary
from mtl_cli.dataset.files.canonical import canonical
from mtl_cli.dataset.files.cells import MISSING, append, encode
from mtl_cli.dataset.files.nested import is_list

UNKNOWN = -1  # the index of a value that a stored list holds, and does not say


@dataclass(frozen=True)
class Lists:
    """The values of some cells, each different list of text once.

    Args:
        of: which list each row has, [N]; -1: none.
        sizes: how many values each list has, [L].
        values: those of all lists, one after the other: indices of ``texts``, or ``UNKNOWN``, [V].
        texts: the different values, as `canonical` writes them, in the order in which they come.
    """

    of: np.ndarray
    sizes: np.ndarray
    values: np.ndarray
    texts: list[str]

    @classmethod
    def read(cls, cells: Any, split: str, most: int | None) -> Lists:
        """The lists of a column.

        Args:
            cells: lists, or text.
            split: what stands between the values of text.
            most: how many of a list count, its first ones; None: all.
        """
        kind = getattr(cells, "type", None)
        return (
            cls.stored(cells, most)
            if kind is not None and is_list(kind)
            else cls.of_text(cells, split, most)
        )

    @classmethod
    def of_text(cls, cells: Any, split: str, most: int | None) -> Lists:
        """Those of text. What is blank between two marks, or a word for nothing, is no value."""
        of, written = encode(cells)
        lists = [values_of(cell, split, most) for cell in written]
        texts = list(dict.fromkeys(chain(*lists)))
        index = {text: i for i, text in enumerate(texts)}
        values = np.array([index[text] for own in lists for text in own], np.int64)
        return cls(of, np.array([*map(len, lists)], np.int64), values, texts)

    @classmethod
    def stored(cls, cells: Any, most: int | None) -> Lists:
        """Those that a file stores. A null in one is an unknown value, a null in place of one is
        an empty list; words for nothing are no values, as in text."""
        import pyarrow
        from pyarrow import compute

        array = cells.combine_chunks() if isinstance(cells, pyarrow.ChunkedArray) else cells
        lengths = compute.fill_null(compute.list_value_length(array), 0)
        sizes = lengths.to_numpy(zero_copy_only=False).astype(np.int64)
        flat = compute.list_flatten(array)
        if pyarrow.types.is_floating(flat.type):
            flat = compute.if_else(compute.is_nan(flat), None, flat)
        values, texts = encode(flat)
        counts = (values >= 0) | flat.is_null().to_numpy(zero_copy_only=False)
        rows = np.repeat(np.arange(len(sizes)), sizes)[counts]
        values, sizes = values[counts], np.bincount(rows, minlength=len(sizes))
        if most is not None:
            first = np.arange(len(values)) - np.repeat(sizes.cumsum() - sizes, sizes) < most
            values, sizes = values[first], sizes.clip(max=most)
            left = np.bincount(values[values >= 0], minlength=len(texts)) > 0
            values = append(left.cumsum() - 1, UNKNOWN)[values]
            texts = [text for text, is_left in zip(texts, left.tolist(), strict=True) if is_left]
        return cls(np.arange(len(sizes)), sizes, values, texts)

    @property
    def of_rows(self) -> np.ndarray:
        """How many values each row has, [N]."""
        return append(self.sizes, 0)[self.of]

    def counts(self, rows: np.ndarray | None = None) -> Counter[str]:
        """How many of some rows have each value; None: of all."""
        of = self.of if rows is None else self.of[rows]
        numbers = np.bincount(of[of >= 0], minlength=len(self.sizes))
        there = self.values >= 0
        each = np.repeat(numbers, self.sizes)[there]
        counts = np.bincount(self.values[there], each, minlength=len(self.texts))
        return Counter(dict(zip(self.texts, counts.astype(np.int64).tolist(), strict=True)))

    def bag(self, known: Vocabulary, pool: str) -> Bag:
        """The codes of the rows' values, each of which counts 1, or 1 / their number."""
        flat = append(np.array(known.codes(self.texts), np.int64), 0)[self.values]
        starts = np.append(self.sizes.cumsum() - self.sizes, 0)
        sizes = self.of_rows
        ends = sizes.cumsum()
        places = np.arange(sizes.sum()) + np.repeat(starts[self.of] - (ends - sizes), sizes)
        each = 1 / np.maximum(sizes, 1) if pool == "mean" else np.ones(len(sizes))
        return Bag(
            torch.from_numpy(flat[places]),
            torch.from_numpy(np.append(0, ends)),
            torch.from_numpy(np.repeat(each, sizes).astype(np.float32)),
        )


def values_of(cell: str, split: str, most: int | None) -> Sequence[str]:
    """The values of a cell of text, each as it is written everywhere."""
    parts = (part.strip() for part in cell.split(split))
    return [canonical(part) for part in parts if part not in MISSING][:most]
