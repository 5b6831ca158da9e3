"""What a program is given of an input: plain tensors, and how the model's examples come of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.batch import Examples

BATCH = "batch"  # the dimension of the examples, of any number from 1


@dataclass(frozen=True)
class Given:
    """A tensor that a program is given.

    Args:
        name: of the tensor.
        shape: of numbers, and of words for what differs from call to call, ``batch`` first.
        kind: of its elements.
        meaning: what it holds, and in which unit.
        example: of one example: numbers in lists, or a number that all its elements are.
        most: how long a dimension of another word than ``batch`` may be; None: of any length.
        made: how it is made of a cell, as plain data; see `Part.said`.
    """

    name: str
    shape: tuple[int | str, ...]
    kind: torch.dtype
    meaning: str
    example: Any
    most: int | None = None
    made: Mapping[str, Any] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """All of it as plain data."""
        shown = self.example if isinstance(self.example, list) else {"all elements": self.example}
        return {
            "name": self.name,
            "shape": list(self.shape),
            "type": type_name(self.kind),
            "meaning": self.meaning,
            "example": shown,
            **self.made,
        }

    def tensor(self, batch_size: int) -> Tensor:
        """The example, so many times."""
        if not isinstance(self.example, list):
            size = [own for own in self.shape[1:] if isinstance(own, int)]
            return torch.full((batch_size, *size), self.example, dtype=self.kind)
        one = torch.tensor(self.example, dtype=self.kind)
        return torch.stack([one] * batch_size)


def type_name(kind: torch.dtype) -> str:
    """The name of a type, which NumPy and torch share."""
    return str(kind).removeprefix("torch.")


class Entry(nn.Module, ABC):
    """``forward({name: tensor}) -> examples``, as the model reads them.

    Args:
        tensors: what it is given.

    Attributes:
        outside: what has to be done before a program is given anything, in a sentence; empty:
            nothing.
    """

    outside = ""

    def __init__(self, tensors: list[Given]) -> None:
        super().__init__()
        self.tensors = tensors

    def tell(self, said: Mapping[str, Any]) -> None:
        """Says of the first tensor how it is made; see `Part.said`."""
        first, *others = self.tensors
        made = {key: own for key, own in said.items() if key != "meaning"}
        first = replace(first, meaning=said.get("meaning", first.meaning), made=made)
        self.tensors = [first, *others]

    @abstractmethod
    def forward(self, given: Mapping[str, Tensor]) -> Examples: ...

    @abstractmethod
    def of(self, x: Any) -> dict[str, Tensor]:
        """What it would be given for some examples that the model reads."""

    def said(self) -> dict[str, Any]:
        """What else there is to say of it, as plain data."""
        return {}
