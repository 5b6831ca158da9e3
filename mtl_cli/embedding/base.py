"""What every embedding promises: rows of a table as all that follows reads them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn

from mtl_cli.basis.batch import Examples, Fields
from mtl_cli.basis.inputs import InputSpec, Row


class Embedding(nn.Module, ABC):
    """``forward(rows) -> [B, ...]``, before the architecture.

    So experts, gates and columns read the same embedded row, and its tables are there once. Where
    an architecture trains each task apart, each has an embedding of its own.

    Args:
        spec: of the rows.
        gives: what the rows become.
    """

    def __init__(self, spec: Row, gives: InputSpec) -> None:
        super().__init__()
        self.spec, self.gives = spec, gives

    @abstractmethod
    def forward(self, x: Fields) -> Examples: ...
