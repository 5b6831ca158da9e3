"""The categories of a column, or of several, and the code of each: learned, or by a hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.dataset.columns.hashing import RULE, check_hash, hashed
from mtl_cli.dataset.columns.spelling import in_words, spelled_alike
from mtl_cli.dataset.files.canonical import canonical, truths
from mtl_cli.dataset.files.cells import sort_names
from mtl_cli.dataset.files.column_names import words_for


@dataclass(frozen=True)
class Vocabulary:
    """A code for each category, from 1; 0 for what is missing, rare in train, or unseen.

    Args:
        values: the categories, in the order of their codes.
        hash: how many codes there are, where a hash says them; None: ``values`` do.
    """

    values: Sequence[str]
    hash: int | None

    @property
    def size(self) -> int:
        return len(self.values) + 1 if self.hash is None else self.hash

    def about(self, texts: Sequence[str]) -> str:
        """In a few words: how many there are, the first of them, and how many of some values have
        no code."""
        if self.hash is not None:
            return f"{len(texts):,}, hashed to {self.hash - 1:,} codes"
        few = ", ".join(shorten(value) for value in self.values[:3])
        few += ", ..." * (len(self.values) > 3)
        rare = self.codes(texts).count(0)
        alike = spelled_alike(self.values)
        apart = f"; {in_words(alike)} count as categories of their own" if alike else ""
        return f"{len(self.values):,}: {few}" + f"; {rare:,} rare or unseen" * (rare > 0) + apart

    def said(self) -> dict[str, Any]:
        """``{value: its code}``, also of the other ways in which truth values are written; of a
        hash its rule."""
        if self.hash is not None:
            return {"hash": self.hash, "code": RULE}
        words = [own for word in truths(self.values) for own in (word, word.title(), word.upper())]
        texts = list(dict.fromkeys([*self.values, *words]))
        return {"codes": dict(zip(texts, self.codes(texts), strict=True))}

    def codes(self, texts: Sequence[str]) -> list[int]:
        """The code of each value; 0 where it is unknown."""
        if self.hash is not None:
            return [hashed(text, self.hash) for text in texts]
        known: dict[str, int] = {}
        for code, value in enumerate(self.values, 1):
            known.setdefault(canonical(value), code)
        spelled = {text: known[own] for text, own in truths([*known]).items()}
        return [known.get(text) or spelled.get(text.casefold(), 0) for text in texts]


def learn_vocabulary(
    name: str, counts: Mapping[str, int], min_count: int, hash: int | None, most: int, said: str
) -> Vocabulary:
    """The vocabulary of a column.

    Args:
        name: the column's.
        counts: ``{value: how many train rows have it}``.
        min_count: how many a value needs to have a code of its own.
        hash: how many codes a hash gives; None: no hash.
        most: up to how many values may be learned.
        said: the word for the column's type.
    """
    option = f"dataset.columns.{name}.min_count"
    check_integer(option, min_count, 1, f"{option}=2")
    check_hash(name, hash)
    if hash is not None:
        return Vocabulary([], hash)
    values = sort_names(value for value, count in counts.items() if count >= min_count)
    if len(values) > most:
        rule = f"may have {most:,} categories at most, unless a hash gives their codes"
        fix = words_for(name, f"type: {said}, hash: {most}")
        raise problem(f"column {name}", rule, f"{len(values):,}", fix)
    return Vocabulary(values, None)


def shorten(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= 20 else f"{text[:17]}..."
