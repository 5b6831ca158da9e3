"""Columns that are parts of the input of their own, beside the row of all others: texts, say."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.column import Column


class Part(Column):
    """A part of the input. Its codes are its examples, B of them as they are kept, and which rows
    have it, [B]."""

    as_text: ClassVar[bool] = True

    @property
    @abstractmethod
    def spec(self) -> InputSpec:
        """What the part is."""

    @property
    def pixels(self) -> tuple[float, float] | None:
        """Mean and deviation that bytes of pictures are normalised by; None: it is of no such."""
        return None

    @property
    def augments(self) -> bool:
        """Whether `augmented` changes examples."""
        return False

    def augmented(self, x: Examples, draw: torch.Generator) -> Examples:
        """Train examples, prepared, changed by chance; all of it is drawn of ``draw``."""
        return x

    def said(self) -> dict[str, Any]:
        """How a cell becomes what a program is given of it, as plain data, for who has the program
        alone; empty: nothing says it but a run."""
        return {}

    def prepared(self, x: Examples) -> Examples:
        """The examples as the model reads them, of those that are kept."""
        return x

    def plain(self, values: np.ndarray) -> np.ndarray:
        return values  # of no numbers and no codes


def check_texts(name: str, texts: Sequence[str]) -> None:
    """Refuses a column of texts that are all numbers, of which words would say nothing."""
    if texts and all(map(is_number, texts)):
        found = f"numbers alone, as {', '.join(texts[:3])}"
        fix = f"dataset.columns.{name}.type=number, or category"
        raise problem(f"the column {name}", "must hold texts, to be read as such", found, fix)
