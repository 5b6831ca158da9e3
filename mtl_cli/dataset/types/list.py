"""Lists of categories: several codes in a cell, and how much each counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import torch

from mtl_cli.basis.batch import Bag
from mtl_cli.basis.errors import check_choice, check_integer, problem
from mtl_cli.dataset.columns.coded import Coded, check_width
from mtl_cli.dataset.columns.column import Learned, Written
from mtl_cli.dataset.columns.vocabulary import learn_vocabulary
from mtl_cli.dataset.files.canonical import canonical
from mtl_cli.dataset.files.cells import MISSING, encode
from mtl_cli.dataset.files.parts import Place, words_for

POOLS = ("mean", "sum")
SEPARATORS = ("|", ",", ";", " ", "/")


@dataclass(frozen=True)
class CategoryList(Coded):
    """The codes of a cell's values, each of which counts 1, or 1 / their number.

    A value that is rare in train, or unseen, has code 0; a cell without values has none.

    Args:
        name: the column's.
        values: the categories, in the order of their codes; none where a hash says the codes.
        split: what stands between the values of a cell.
        pool: ``mean`` or ``sum`` of their vectors.
        max: how many of a cell count, its first ones; None: all.
        hash, vocabulary_of, width: as of a category.
    """

    name: str
    values: list[str]
    split: str
    pool: str
    max: int | None
    hash: int | None = None
    vocabulary_of: str | None = None
    width: int | None = None
    is_list: ClassVar[bool] = True

    @classmethod
    def learn(
        cls,
        written: Written,
        split: str,
        pool: str,
        max: int | None,
        min_count: int,
        max_vocabulary: int,
        hash: int | None,
        vocabulary_of: str | None,
        width: int | None,
    ) -> Learned:
        """Where no cell has several values, the separator is refused.

        Args:
            written: the column.
            split, pool, max: see above.
            min_count: how many train rows a category needs to have a code of its own.
            max_vocabulary: up to how many categories have one.
            hash, vocabulary_of, width: see above.
        """
        name, place = written.name, f"dataset.columns.{written.name}"
        check_width(name, width)
        check_choice(f"{place}.pool", pool, list(POOLS), f"{place}.pool=mean")
        if max is not None:
            check_integer(f"{place}.max", max, 1, f"{place}.max=50")
        indices, cells = encode(written.cells)
        lists = [values_of(cell, split, max) for cell in cells]
        if not any(len(values) > 1 for values in lists):
            found = next(iter(cells), "no value at all")
            other = next((mark for mark in SEPARATORS if mark in found), None)
            words = "type: category" if other is None else f'type: list, split: "{other}"'
            rule = f"must have several values in some cell, with {split!r} between them"
            raise problem(f"column {name}", rule, repr(found), words_for(name, words))
        known = written.vocabulary
        if known is None:
            counts = count_lists(indices, lists, written.train) + written.also
            known = learn_vocabulary(name, counts, min_count, hash, max_vocabulary, "list")
        kept = (split, pool, max, known.hash, vocabulary_of, width)
        column = cls(name, list(known.values), *kept)
        missing = int((indices < 0).sum())
        number = float(np.array([*map(len, lists), 0])[indices].mean())
        about = f"{known.about(list(dict.fromkeys(chain(*lists))))}; {number:.1f} in a cell"
        return Learned(missing, about, column, [column.bag(indices, lists)])

    @classmethod
    def count(cls, cells: Any, train: np.ndarray, **options: Any) -> Counter[str]:
        indices, texts = encode(cells)
        lists = [values_of(text, options["split"], options["max"]) for text in texts]
        return count_lists(indices, lists, train)

    def codes(self, cells: Any, place: Place) -> list[Bag]:
        indices, texts = encode(cells)
        return [self.bag(indices, [values_of(text, self.split, self.max) for text in texts])]

    def unseen(self, cells: Any) -> tuple[int, int, str]:
        indices, texts = encode(cells)
        lists = [values_of(text, self.split, self.max) for text in texts]
        counts = count_lists(indices, lists, np.arange(len(indices)))
        codes = self.known.codes(list(counts))
        unknown = [value for value, code in zip(counts, codes, strict=True) if code == 0]
        return sum(counts[v] for v in unknown), counts.total(), (*unknown, "")[0]

    def bag(self, indices: np.ndarray, lists: list[list[str]]) -> Bag:
        """The codes of the rows, of the different lists and which one each row has, -1: none."""
        different = list(dict.fromkeys(chain(*lists)))
        code = dict(zip(different, self.known.codes(different), strict=True))
        flat = np.array([code[value] for values in lists for value in values], np.int64)
        lengths = np.array([*map(len, lists), 0], np.int64)
        starts = np.append(np.cumsum(lengths[:-1]) - lengths[:-1], 0)
        sizes = lengths[indices]  # of each row
        ends = sizes.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(starts[indices] - (ends - sizes), sizes)
        each = 1 / np.maximum(sizes, 1) if self.pool == "mean" else np.ones(len(sizes))
        offsets = np.append(0, ends)
        of_rows = flat[places] if total else np.zeros(0, np.int64)
        return Bag(
            torch.from_numpy(of_rows),
            torch.from_numpy(offsets),
            torch.from_numpy(np.repeat(each, sizes).astype(np.float32)),
        )

    def plain(self, values: np.ndarray) -> np.ndarray:
        return values


def values_of(cell: str, split: str, most: int | None) -> list[str]:
    """The values of a cell, each as it is written everywhere."""
    parts = (part.strip() for part in cell.split(split))
    return [canonical(part) for part in parts if part not in MISSING][:most]


def count_lists(indices: np.ndarray, lists: list[list[str]], rows: np.ndarray) -> Counter[str]:
    """How many rows have each value, by the different lists and which one each has, -1: none."""
    own = indices[rows]
    numbers = np.bincount(own[own >= 0], minlength=len(lists)).tolist()
    counts: Counter[str] = Counter()
    for values, number in zip(lists, numbers, strict=True):
        for value in values:
            counts[value] += number
    return counts
