"""Tables of an embedding while they are trained: the rows that a step reads, and no others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtl_cli.basis.errors import problem
from mtl_cli.embedding.base import Embedding, Touched
from mtl_cli.model.embedded import EmbeddedInputs
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Weighting


class TouchedRows:
    """What gradients are taken at in place of tables: the rows that a step reads, once each.

    The gradients of all other rows are zero, so the Jacobian has the same Gramian, in a fraction
    of its columns.

    Args:
        embeddings: of the parameters that are trained.
        whole: why whole tables are needed; None: they are not, see `reads_whole`.
        sparse: whether the tables' gradients are to be sparse, for an optimizer of their own.

    Raises:
        ValueError: where they are to be sparse, and whole tables are needed.
    """

    def __init__(self, embeddings: Sequence[Embedding], whole: str | None, sparse: bool) -> None:
        if sparse and whole:
            fix = "embedding.optimizer=null, or another weighting"
            raise problem("embedding.optimizer", "needs gradients of rows alone", whole, fix)
        by_rows = sparse or whole is None
        self.embeddings = nn.ModuleList(embeddings if by_rows else [])
        self.sparse = sparse
        for embedding in embeddings:
            embedding.by_rows = by_rows

    def forget(self) -> None:
        """Before a step: nothing was read yet."""
        for embedding in self.embeddings:
            assert isinstance(embedding, Embedding)
            embedding.touched = []

    @property
    def touched(self) -> list[Touched]:
        """What was read since the last `forget`."""
        return [own for e in self.embeddings for own in e.touched]  # type: ignore[union-attr]

    @property
    def rows(self) -> list[Tensor]:
        """The rows of it."""
        return [own.rows for own in self.touched]

    def give_back(self) -> None:
        """Adds the gradients of the rows to those of their tables."""
        for table, codes, rows in self.touched:
            if rows.grad is None:
                continue
            if self.sparse:
                found = as_sparse(table, codes, rows.grad)
                table.grad = found if table.grad is None else table.grad + found
                continue
            if table.grad is None:
                table.grad = torch.zeros_like(table)
            table.grad.index_add_(0, codes, rows.grad)  # a sum would be one more whole table
        self.forget()


def as_sparse(table: Tensor, codes: Tensor, grad: Tensor) -> Tensor:
    """The gradient of rows of a table, which are each there once and in order, as they lie."""
    return torch.sparse_coo_tensor(
        codes[None], grad, table.shape, is_coalesced=True, check_invariants=False
    )


def embeddings_of(model: nn.Module, parameters: Collection[int]) -> list[Embedding]:
    """The embeddings with some of the parameters, which are said by their ids."""
    return [
        module
        for module in model.modules()
        if isinstance(module, Embedding) and any(id(p) in parameters for p in module.parameters())
    ]


def reads_whole(weighting: Weighting, parts: int, embedded: EmbeddedInputs | None) -> str | None:
    """Why a Jacobian needs whole tables; empty: it is taken of none; None: their rows will do."""
    if not isinstance(weighting, Aggregation):
        return ""
    if not weighting.takes_rows:
        return "a weighting that keeps gradients from step to step"
    if parts > 1:
        return f"a Jacobian of {parts} parts: trainer.accumulate={parts}"
    if embedded is not None and len(set(embedded.which.values())) < len(embedded.which):
        return "a Jacobian at tables that several inputs read"
    return None


class OptimizerWithTables(Optimizer):
    """An optimizer for tables beside another for all else, as one.

    Args:
        others: of everything but the tables.
        tables: of the tables, whose gradients are sparse.
    """

    def __init__(self, others: Optimizer, tables: Optimizer) -> None:
        self.both = [others, tables]

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        return [group for own in self.both for group in own.param_groups]

    @property
    def state(self) -> dict[Tensor, Any]:  # type: ignore[override]
        return {key: state for own in self.both for key, state in own.state.items()}

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for own in self.both:
            own.step(closure)

    def state_dict(self) -> dict[str, Any]:
        return {"both": [own.state_dict() for own in self.both]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for own, state in zip(self.both, state_dict["both"], strict=True):
            own.load_state_dict(state)


def clip(parameters: Sequence[nn.Parameter], largest: float) -> None:
    """`torch.nn.utils.clip_grad_norm_`, of sparse gradients too."""
    sparse = [p for p in parameters if p.grad is not None and p.grad.is_sparse]
    if not sparse:
        torch.nn.utils.clip_grad_norm_(parameters, largest)
        return
    for p in sparse:
        assert p.grad is not None
        p.grad = p.grad.coalesce()
    grads = [p.grad for p in parameters if p.grad is not None]
    values = [grad.values() if grad.is_sparse else grad for grad in grads]
    norm = torch.nn.utils.get_total_norm(values)
    torch._foreach_mul_(values, (largest / (norm + 1e-6)).clamp(max=1.0))
