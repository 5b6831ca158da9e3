"""The processes that train together: who they are, and what all of them have, added up.

Each holds the whole model and its own part of every batch. One process makes no group, and nothing
here costs it anything. The engine is ``torch.distributed``: gloo on CPUs, nccl on CUDA.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if size() > 1 else 0


def own_part(count: int) -> slice:
    """The examples of this process among ``count``, which are dealt one after the other."""
    number, everybody = rank(), size()
    return slice(number * count // everybody, (number + 1) * count // everybody)


@torch.no_grad()
def add_up(tensors: Sequence[Tensor], grads_of: Iterable[Tensor] = ()) -> None:
    """Replaces tensors, and the gradients of others, by their sums over all processes, in one
    reduction for each type of numbers.

    A gradient that some have and others have not counts as 0 there; one that none has stays None.

    Args:
        tensors: of the same shapes everywhere; written to.
        grads_of: likewise, those whose ``.grad`` is meant.
    """
    if size() == 1:
        return
    leaves = list(grads_of)
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in leaves]
    there = [torch.tensor([p.grad is not None for p in leaves]).to(g) for g in grads[:1]]
    added = [*there, *grads, *tensors]
    for kind in {(x.dtype, x.device): None for x in added}:
        own = [x for x in added if (x.dtype, x.device) == kind]
        flat = torch.cat([x.flatten() for x in own])
        dist.all_reduce(flat)
        for x, total in zip(own, flat.split([x.numel() for x in own]), strict=True):
            x.copy_(total.view_as(x))
    for leaf, grad, some in zip(leaves, grads, there[0].tolist() if there else [], strict=True):
        leaf.grad = grad if some else None


def totals(numbers: Sequence[float]) -> list[float]:
    """The sums of numbers over all processes, in double precision."""
    if size() == 1:
        return list(numbers)
    flat = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(flat)
    return flat.tolist()


def joined(codes: Tensor) -> Tensor:
    """The whole numbers [N] of all processes, each once and rising; N may differ."""
    if size() == 1:
        return codes.unique()
    counts = [torch.zeros(1, dtype=torch.long) for _ in range(size())]
    dist.all_gather(counts, torch.tensor([len(codes)]))
    longest = int(max(counts))
    padded = codes[:1].expand(longest).clone()  # a code more often changes nothing
    padded[: len(codes)] = codes
    found = [torch.empty_like(padded) for _ in range(size())]
    dist.all_gather(found, padded)
    return torch.cat(found).unique()


def columns(matrix: Tensor) -> tuple[Tensor, slice]:
    """The columns [K, D] of all processes beside each other, and which are this one's."""
    if size() == 1:
        return matrix, slice(None)
    parts = everybodys(matrix.cpu())
    first = sum(part.shape[1] for part in parts[: rank()])
    whole = torch.cat(parts, 1).to(matrix.device)
    return whole, slice(first, first + matrix.shape[1])


def everybodys(value: T) -> list[T]:
    """What each process has, in their order; anything that can be pickled."""
    if size() == 1:
        return [value]
    found: list[Any] = [None] * size()
    dist.all_gather_object(found, value)
    return found


def of_first(value: T) -> T:
    """What the first process has."""
    if size() == 1:
        return value
    box: list[Any] = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


@torch.no_grad()
def take_from_first(tensors: Iterable[Tensor]) -> None:
    """Replaces tensors by those of the first process."""
    if size() > 1:
        for x in tensors:
            dist.broadcast(x, src=0)
