"""Rows of a tensor by their numbers, of which a device is told once: a list would go there anew in
every step, and the host would wait."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from mtl_cli.basis.device import send


def take_rows(x: Tensor, numbers: Sequence[int] | None, dim: int = 0) -> Tensor:
    """The rows of ``x`` with these numbers, in their order; ``x`` itself, where None are given."""
    return x if numbers is None else x.index_select(dim, on_device(numbers, x.device))


def on_device(numbers: Sequence[int], device: torch.device) -> Tensor:
    """Numbers of rows as a tensor, to index with."""
    if torch.compiler.is_compiling():  # which makes a constant of them
        return torch.tensor(list(numbers), dtype=torch.long, device=device)
    return kept_on_device(tuple(numbers), device)


@lru_cache(maxsize=1024)
def kept_on_device(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    return send(torch.tensor(numbers, dtype=torch.long), device)
