"""Lists of categories: several codes in a cell, and how much each counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import check_choice, check_integer, problem
from mtl_cli.dataset.columns.coded import Coded, check_width
from mtl_cli.dataset.columns.column import Learned, Written
from mtl_cli.dataset.columns.lists import Lists
from mtl_cli.dataset.columns.vocabulary import learn_vocabulary
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.nested import is_list
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow

POOLS = ("mean", "sum")
SEPARATORS = ("|", ",", ";", " ", "/")


@dataclass(frozen=True)
class CategoryList(Coded):
    """The codes of a cell's values, each of which counts 1, or 1 / their number.

    A value that is rare in train, or unseen, has code 0; a cell without values has none. Files that
    store lists are read as they are, and text is split, in use as in training.

    Args:
        name: the column's.
        values: the categories, in the order of their codes; none where a hash says the codes.
        split: what stands between the values of a cell of text.
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
    def suits(cls, kind: pyarrow.DataType) -> bool:
        return is_list(kind)

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
        """Where no cell of text has several values, the separator is refused; stored lists without
        any value are dropped.

        Args:
            written: the column.
            split, pool, max: see above.
            min_count: how many train rows a category needs to have a code of its own.
            max_vocabulary: up to how many categories have one.
            hash, vocabulary_of, width: see above.
        """
        name, place = written.name, f"dataset.columns.{written.name}"
        check_width(name, width)
        if not isinstance(split, str) or not split:
            fix = words_for(name, 'type: list, split: "|"')
            raise problem(f"{place}.split", "must be what stands between values", split, fix)
        check_choice(f"{place}.pool", pool, list(POOLS), f"{place}.pool=mean")
        if max is not None:
            check_integer(f"{place}.max", max, 1, f"{place}.max=50")
        lists = Lists.read(written.cells, split, max)
        if is_list(written.cells.type):
            missing = int((lists.of_rows == 0).sum())
            if not lists.texts:
                return Learned(missing, "lists without any value")
        else:
            missing = int((lists.of < 0).sum())
            check_separator(written, lists, split)
        known = written.vocabulary
        if known is None:
            counts = lists.counts(written.train) + written.also
            known = learn_vocabulary(name, counts, min_count, hash, max_vocabulary, "list")
        kept = (split, pool, max, known.hash, vocabulary_of, width)
        column = cls(name, list(known.values), *kept)
        about = f"{known.about(lists.texts)}; {lists.of_rows.mean():.1f} in a cell"
        return Learned(missing, about, column, [lists.bag(known, pool)])

    @classmethod
    def count(cls, cells: Any, train: np.ndarray, **options: Any) -> Counter[str]:
        return Lists.read(cells, options["split"], options["max"]).counts(train)

    def codes(self, cells: Any, place: Place) -> list[Bag]:
        return [Lists.read(cells, self.split, self.max).bag(self.known, self.pool)]

    def said(self) -> dict[str, Any]:
        return {**super().said(), "split": self.split, "pool": self.pool, "most": self.max}

    def usual(self) -> str:
        return self.split.join(self.values[:2] or ["a"])

    def drawn(self, draw: np.random.Generator, number: int) -> list[Any]:
        return [self.some(draw, size) for size in draw.integers(0, 4, number)]

    def unseen(self, cells: Any) -> tuple[int, int, str]:
        counts = Lists.read(cells, self.split, self.max).counts()
        codes = self.known.codes(list(counts))
        unknown = [value for value, code in zip(counts, codes, strict=True) if code == 0]
        return sum(counts[v] for v in unknown), counts.total(), (*unknown, "")[0]

    def plain(self, values: np.ndarray) -> np.ndarray:
        return values


def check_separator(written: Written, lists: Lists, split: str) -> None:
    """Refuses a mark between the values of a cell of text that stands in none."""
    if not any(lists.sizes > 1):
        found = next(iter(encode(written.cells)[1]), "no value at all")
        other = next((mark for mark in SEPARATORS if mark in found), None)
        words = "type: category" if other is None else f'type: list, split: "{other}"'
        rule = f"must have several values in some cell, with {split!r} between them"
        fix = words_for(written.name, words)
        raise problem(f"column {written.name}", rule, repr(found), fix)
