"""Categories: a code for each that enough train rows have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mtl_cli.basis.errors import check_integer
from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.column import Column, Learned, Written
from mtl_cli.dataset.columns.ids import id_hint
from mtl_cli.dataset.columns.moments import date_hint
from mtl_cli.dataset.columns.numbers import is_numeric
from mtl_cli.dataset.columns.writing import Writing, may_be_number, most_likely, writing_of
from mtl_cli.dataset.files.canonical import canonical, truths
from mtl_cli.dataset.files.cells import append, encode, sort_names
from mtl_cli.dataset.files.parts import Place, words_for

if TYPE_CHECKING:
    import pyarrow

MANY = 1000  # different cells that are looked at, to tell what a column was meant to be
SOME = 20  # of those, for a first look


@dataclass(frozen=True)
class Category(Column):
    """The code of each category, from 1; 0 for one that is missing, rare in train, or unseen.

    Args:
        name: the column's.
        values: the categories, in the order of their codes.
    """

    name: str
    values: list[str]
    as_text: ClassVar[bool] = True

    @classmethod
    def suits(cls, kind: pyarrow.DataType) -> bool:
        return not is_numeric(kind)

    @classmethod
    def learn(cls, written: Written, min_count: int) -> Learned:
        """Where all train rows have the same category, it is dropped; so is text that differs in
        most rows, unless the user said that it is one.

        Args:
            written: the column.
            min_count: how many train rows a category needs to have a code of its own.
        """
        name, said = written.name, written.said
        option = f"dataset.columns.{name}.min_count"
        check_integer(option, min_count, 1, f"{option}=2")
        indices, texts = encode(written.cells)
        missing = int((indices < 0).sum())
        meant, writing = ("", None) if said else but_numbers(name, texts)
        dates = date_hint(written)
        if not said and 2 * len(texts) > len(indices):
            kept = f"{words_for(name, 'type: category')} keeps it"
            about = (
                f"text, {len(texts):,} different ones; {id_hint(written) or dates or meant or kept}"
            )
            return Learned(missing, about, writing=writing)
        own = indices[written.train]
        counts = np.bincount(own[own >= 0], minlength=len(texts))
        frequent = (t for t, count in zip(texts, counts, strict=True) if count >= min_count)
        column = cls(name, sort_names(frequent))
        codes = column.look_up(indices, texts)
        if (codes[written.train] == codes[written.train][0]).all():
            return Learned(missing, "the same category in all of train")
        few = ", ".join(shorten(value) for value in column.values[:3])
        few += ", ..." * (len(column.values) > 3)
        rare = column.known(texts).count(0)
        about = f"{len(column.values):,}: {few}" + f"; {rare:,} rare or unseen" * (rare > 0)
        about += f"; {dates or meant}" * bool(dates or meant)
        return Learned(missing, about, column, [codes], writing)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (len(self.values) + 1,)

    def codes(self, cells: Any, place: Place) -> list[np.ndarray]:
        return [self.look_up(*encode(cells, self.values))]

    def unseen(self, cells: Any) -> tuple[int, int, str]:
        indices, texts = encode(cells, self.values)
        unknown = np.array([code == 0 for code in self.known(texts)] + [False])[indices]
        first = texts[indices[np.argmax(unknown)]] if unknown.any() else ""
        return int(unknown.sum()), int((indices >= 0).sum()), first

    def look_up(self, indices: np.ndarray, texts: list[str]) -> np.ndarray:
        """The codes [B] of the different cells and which one each is, -1 where it is missing."""
        return append(np.array(self.known(texts), np.int64), 0)[indices]

    def known(self, texts: list[str]) -> list[int]:
        """The code of each different cell; 0 where it is unknown."""
        known: dict[str, int] = {}
        for code, value in enumerate(self.values, 1):
            known.setdefault(canonical(value), code)
        spelled = {text: known[own] for text, own in truths([*known]).items()}
        return [known.get(text) or spelled.get(text.casefold(), 0) for text in texts]

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


def shorten(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= 20 else f"{text[:17]}..."
