"""Columns that are categories: with codes of a vocabulary, their own or that of another column."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import Any, ClassVar

import numpy as np

from mtl_cli.basis.errors import check_integer
from mtl_cli.dataset.columns.column import Column
from mtl_cli.dataset.columns.vocabulary import Vocabulary


class Coded(Column):
    """A column of categories.

    Attributes:
        values: the categories, in the order of their codes; none where a hash says the codes.
        hash: how many codes a hash gives; None: no hash.
        vocabulary_of: the column whose vocabulary it has; None: its own.
        width: of its vectors in an embedding; None: as of all others.
    """

    values: list[str]
    hash: int | None
    vocabulary_of: str | None
    width: int | None
    as_text: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def count(cls, cells: Any, train: np.ndarray, **options: Any) -> Counter[str]:
        """How many train rows have each value.

        Args:
            cells: of all rows.
            train: the positions of the train rows.
            options: those of the type.
        """

    @property
    def known(self) -> Vocabulary:
        """The codes of its values."""
        return Vocabulary(self.values, self.hash)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.known.size,)

    def said(self) -> dict[str, Any]:
        """How a value becomes its code, as plain data, for who has a program alone."""
        return self.known.said()

    @abstractmethod
    def usual(self) -> Any:
        """A cell, made up of what is known of all."""

    @abstractmethod
    def drawn(self, draw: np.random.Generator, number: int) -> list[Any]:
        """Made-up cells, to try a program on."""

    def some(self, draw: np.random.Generator, number: int) -> list[str]:
        """Made-up values."""
        known = self.values or [f"made up {i}" for i in range(9)]
        return [known[i] for i in draw.integers(0, len(known), number)]


def check_width(column: str, width: int | None) -> None:
    """Refuses what is no width of vectors; None: as of all others."""
    if width is not None:
        option = f"dataset.columns.{column}.width"
        check_integer(option, width, 1, f"{option}=16")
