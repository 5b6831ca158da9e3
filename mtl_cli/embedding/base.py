"""What every embedding promises: rows of a table as all that follows reads them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Examples, Fields
from mtl_cli.basis.inputs import InputSpec, Row


class Touched(NamedTuple):
    """Rows of a table that a forward pass read.

    Args:
        table: [V, W].
        codes: of the rows, each once and in order, [N].
        rows: these rows, at which the pass's graph ends, [N, W].
    """

    table: nn.Parameter
    codes: Tensor
    rows: Tensor


class Embedding(nn.Module, ABC):
    """``forward(rows) -> [B, ...]``, before the architecture.

    So experts, gates and columns read the same embedded row, and its tables are there once. Where
    an architecture trains each task apart, each has an embedding of its own.

    Args:
        spec: of the rows.
        gives: what the rows become.

    Attributes:
        by_rows: whether a training pass ends at the rows that it reads, not at whole tables.
        touched: these rows, until their gradients are given to the tables.
    """

    def __init__(self, spec: Row, gives: InputSpec) -> None:
        super().__init__()
        self.spec, self.gives = spec, gives
        self.by_rows = False
        self.touched: list[Touched] = []

    def __getstate__(self) -> dict[str, Any]:
        """A copy has nothing of the last forward pass: tensors in a graph cannot be copied."""
        return self.__dict__ | {"touched": []}

    @abstractmethod
    def forward(self, x: Fields) -> Examples: ...

    def read(self, table: nn.Parameter, codes: Tensor) -> tuple[Tensor, Tensor]:
        """What holds the vectors of some codes, and where: the table, or its rows that are read."""
        if not (self.by_rows and self.training and torch.is_grad_enabled()):
            return table, codes
        if ranks.size() == 1:
            different, places = codes.unique(return_inverse=True)
        else:  # the rows that any process reads, so that their gradients can be added up
            different = ranks.joined(codes, len(table))
            places = torch.searchsorted(different, codes)
        rows = table.detach()[different].requires_grad_()
        self.touched.append(Touched(table, different, rows))
        return rows, places


def leaves(module: nn.Module, parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """What gradients of a pass are taken at: the parameters, but of tables the rows it read."""
    embeddings = [own for own in module.modules() if isinstance(own, Embedding)]
    rows = {id(own.table): own.rows for embedding in embeddings for own in embedding.touched}
    return [rows.get(id(p), p) for p in parameters]  # type: ignore[misc]
