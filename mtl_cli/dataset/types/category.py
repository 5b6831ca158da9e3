"""Categories: a code for each that enough train rows have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.coded import Coded, check_width
from mtl_cli.dataset.columns.column import Learned, Written
from mtl_cli.dataset.columns.ids import id_hint
from mtl_cli.dataset.columns.moments import date_hint
from mtl_cli.dataset.columns.numbers import is_numeric
from mtl_cli.dataset.columns.part_hint import part_hint
from mtl_cli.dataset.columns.vocabulary import learn_vocabulary, shorten
from mtl_cli.dataset.columns.writing import Writing, may_be_number, most_likely, writing_of
from mtl_cli.dataset.files.cells import append, encode
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.nested import is_list
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow

MANY = 1000  # different cells that are looked at, to tell what a column was meant to be
SOME = 20  # of those, for a first look


@dataclass(frozen=True)
class Category(Coded):
    """The code of each category, from 1; 0 for one that is missing, rare in train, or unseen.

    Args:
        name: the column's.
        values: the categories, in the order of their codes; none where a hash says the codes.
        hash: how many codes a hash gives; None: no hash.
        vocabulary_of: the column whose vocabulary it has; None: its own.
        width: of its vectors in an embedding; None: as of all others.
    """

    name: str
    values: list[str]
    hash: int | None = None
    vocabulary_of: str | None = None
    width: int | None = None

    @classmethod
    def suits(cls, kind: pyarrow.DataType) -> bool:
        return not is_numeric(kind) and not is_list(kind)

    @classmethod
    def learn(
        cls,
        written: Written,
        min_count: int,
        max_vocabulary: int,
        hash: int | None,
        vocabulary_of: str | None,
        width: int | None,
    ) -> Learned:
        """Where all train rows have the same category, it is dropped; so is text that differs in
        most rows, unless the user said that it is one.

        Args:
            written: the column.
            min_count: how many train rows a category needs to have a code of its own.
            max_vocabulary: up to how many categories have one.
            hash, vocabulary_of, width: see above.
        """
        name, said = written.name, written.said
        check_width(name, width)
        indices, texts = encode(written.cells)
        missing = int((indices < 0).sum())
        meant, writing = ("", None) if said else but_numbers(name, texts)
        dates = date_hint(written)
        if not said and 2 * len(texts) > len(indices):
            kept = part_hint(name, texts) or f"{words_for(name, 'type: category')} keeps it"
            about = (
                f"text, {len(texts):,} different ones; {id_hint(written) or dates or meant or kept}"
            )
            return Learned(missing, about, writing=writing)
        known = written.vocabulary
        if known is None:
            counts = count_values(indices, texts, written.train) + written.also
            own = (min_count, hash, max_vocabulary, "category")
            known = learn_vocabulary(name, counts, *own)
        column = cls(name, list(known.values), known.hash, vocabulary_of, width)
        codes = column.look_up(indices, texts)
        if (codes[written.train] == codes[written.train][0]).all():
            return Learned(missing, "the same category in all of train")
        about = column.known.about(texts)
        about += f"; {dates or meant}" * bool(dates or meant)
        return Learned(missing, about, column, [codes], writing)

    @classmethod
    def count(cls, cells: Any, train: np.ndarray, **options: Any) -> Counter[str]:
        return count_values(*encode(cells), train)

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        return [self.look_up(*encode(cells, self.values))]

    def usual(self) -> str:
        return next(iter(self.values), "a")

    def drawn(self, draw: np.random.Generator, number: int) -> list[Any]:
        return self.some(draw, number)

    def unseen(self, cells: Any) -> tuple[int, int, str]:
        indices, texts = encode(cells, self.values)
        unknown = np.array([code == 0 for code in self.known.codes(texts)] + [False])[indices]
        first = texts[indices[np.argmax(unknown)]] if unknown.any() else ""
        return int(unknown.sum()), int((indices >= 0).sum()), first

    def look_up(self, indices: np.ndarray, texts: list[str]) -> np.ndarray:
        """The codes [B] of the different cells and which one each is, -1 where it is missing."""
        return append(np.array(self.known.codes(texts), np.int64), 0)[indices]

    def plain(self, values: np.ndarray) -> np.ndarray:
        return np.where(values == 0, np.nan, values)


def but_numbers(name: str, texts: list[str]) -> tuple[str, Writing | None]:
    """Of a column that was most likely meant to hold numbers: the words that read them, or which
    cell is none; and how they are written, where that reads all."""
    sample = texts[:MANY]
    some = sample[:: 1 + len(sample) // SOME]  # which tells most text from numbers at once
    if 2 * sum(any(map(str.isdigit, t)) and may_be_number(t) for t in some) <= len(some):
        return "", None
    if 2 * np.isfinite(most_likely(some).values(some)).sum() < len(some):
        return "", None
    if (writing := writing_of(texts)) is not None:
        return f"{writing.words(name)} reads numbers", writing
    writing = most_likely(sample)
    none = np.flatnonzero(np.isinf(writing.values(sample)))
    if 2 * len(none) >= len(sample) or not len(none):
        return "", None
    read = "a number" if all(map(is_number, np.delete(sample, none))) else writing.words(name)
    cell = shorten(sample[none[0]])
    return f"mostly numbers, and {cell!r}: empty such cells in the file, then {read}", None


def count_values(indices: np.ndarray, texts: list[str], train: np.ndarray) -> Counter[str]:
    """How many train rows have each of the different cells, by which one each is, -1: none."""
    own = indices[train]
    counts = np.bincount(own[own >= 0], minlength=len(texts)).tolist()
    return Counter(dict(zip(texts, counts, strict=True)))
