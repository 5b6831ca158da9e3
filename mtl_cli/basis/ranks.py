"""The processes that train together: who they are, and what all of them have, added up.

Each holds the whole model and its own part of every batch. One process makes no group, and nothing
here costs it anything. The engine is ``torch.distributed``: gloo on CPUs, nccl on CUDA.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")
BROKEN = ("Connection", "connection", "gloo", "NCCL", "Timed out", "Application timeout")
MARKED = 1 << 18  # numbers below it are told by a byte for each that there may be


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if size() > 1 else 0


def is_broken(error: BaseException) -> bool:
    """Whether an error only says that another process does not answer, or is gone."""
    said = isinstance(error, RuntimeError) and any(word in str(error) for word in BROKEN)
    return said or (dist.is_available() and isinstance(error, dist.DistError))


def own_part(count: int) -> slice:
    """The examples of this process among ``count``, which are dealt one after the other."""
    number, everybody = rank(), size()
    return slice(number * count // everybody, (number + 1) * count // everybody)


@torch.no_grad()
def add_up(
    tensors: Sequence[Tensor], grads_of: Iterable[Tensor] = (), room: Tensor | None = None
) -> None:
    """Replaces tensors, and the gradients of others, by their sums over all processes, in one
    reduction for each type of numbers.

    A gradient that some have and others have not counts as 0 there; one that none has stays None.
    Gradients are copied once, into what is sent, of which they are parts from then on.

    Args:
        tensors: of the same shapes everywhere; written to.
        grads_of: likewise, those whose ``.grad`` is meant.
        room: what is sent, [N], where the first of the tensors lies at its beginning: it is not
            copied, if there is room for the others behind it.
    """
    if size() == 1:
        return
    leaves = list(grads_of)
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in leaves]
    there = [torch.tensor([p.grad is not None for p in leaves]).to(g) for g in grads[:1]]
    added = [*tensors, *there, *grads]
    for kind in {(x.dtype, x.device): None for x in added}:
        own = [i for i, x in enumerate(added) if (x.dtype, x.device) == kind]
        sizes = [added[i].numel() for i in own]
        if len(own) == 1 and added[own[0]].is_contiguous():
            dist.all_reduce(added[own[0]])
            continue
        if room is not None and own[0] == 0 and sum(sizes) <= room.numel():
            flat = room[: sum(sizes)]
            torch.cat([added[i].flatten() for i in own[1:]], out=flat[sizes[0] :])
        else:
            flat = torch.cat([added[i].flatten() for i in own])
        dist.all_reduce(flat)
        for i, total in zip(own, flat.split(sizes), strict=True):
            if i >= len(tensors) and added[i].is_contiguous():
                added[i] = total.view_as(added[i])
            elif total.data_ptr() != added[i].data_ptr():
                added[i].copy_(total.view_as(added[i]))
    some = added[len(tensors)].tolist() if leaves else []
    for leaf, grad, has in zip(leaves, added[len(tensors) + 1 :], some, strict=True):
        leaf.grad = grad if has else None


def totals(numbers: Sequence[float]) -> list[float]:
    """The sums of numbers over all processes, in double precision."""
    if size() == 1:
        return list(numbers)
    flat = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(flat)
    return flat.tolist()


def joined(codes: Tensor, most: int) -> Tensor:
    """The whole numbers [N] of all processes, each once and rising; N may differ.

    Args:
        codes: from 0, below ``most``.
        most: the same in all processes.
    """
    if size() == 1:
        return codes.unique()
    if most <= MARKED:
        marks = torch.zeros(most, dtype=torch.uint8, device=codes.device)
        marks[codes] = 1
        dist.all_reduce(marks, dist.ReduceOp.MAX)
        return marks.nonzero().squeeze(1)
    own = codes.unique()
    counts = gathered(torch.tensor([len(own)], device=codes.device))
    longest = int(max(counts))
    padded = own[:1].expand(longest).clone()  # a code more often changes nothing
    padded[: len(own)] = own
    return torch.cat(gathered(padded)).unique()


def columns(matrix: Tensor) -> tuple[Tensor, slice]:
    """The columns [K, D] of all processes beside each other, and which are this one's."""
    if size() == 1:
        return matrix, slice(None)
    sizes = [int(own) for own in gathered(torch.tensor([matrix.shape[1]], device=matrix.device))]
    padded = matrix.new_zeros(len(matrix), max(sizes))
    padded[:, : matrix.shape[1]] = matrix
    parts = [own[:, :number] for own, number in zip(gathered(padded), sizes, strict=True)]
    first = sum(sizes[: rank()])
    return torch.cat(parts, 1), slice(first, first + matrix.shape[1])


def gathered(tensor: Tensor) -> list[Tensor]:
    """The tensors of all processes, which are of one shape, in their order."""
    found = [torch.empty_like(tensor) for _ in range(size())]
    dist.all_gather(found, tensor)
    return found


def everybodys(value: T) -> list[T]:
    """What each process has, in their order: tensors and plain values, in whatever they stand.

    It is sent as checkpoints are kept: what comes from another process is data, never a program.
    """
    if size() == 1:
        return [value]
    own = packed(value)
    sizes = [int(number) for number in gathered(torch.tensor([len(own)]))]
    padded = own.new_zeros(max(sizes))
    padded[: len(own)] = own
    return [unpacked(x[:number]) for x, number in zip(gathered(padded), sizes, strict=True)]


def of_first(value: T) -> T:
    """What the first process has; likewise."""
    if size() == 1:
        return value
    own = packed(value) if rank() == 0 else torch.empty(0, dtype=torch.uint8)
    length = torch.tensor([len(own)])
    dist.broadcast(length, src=0)
    whole = own if rank() == 0 else own.new_empty(int(length))
    dist.broadcast(whole, src=0)
    return value if rank() == 0 else unpacked(whole)


def packed(value: Any) -> Tensor:
    """Tensors and plain values as bytes [N]."""
    whole = io.BytesIO()
    torch.save(value, whole)
    return torch.frombuffer(whole.getbuffer(), dtype=torch.uint8)


def unpacked(whole: Tensor) -> Any:
    """The opposite; tensors come to the CPU."""
    file = io.BytesIO(whole.numpy().tobytes())
    return torch.load(file, map_location="cpu", weights_only=True)


@torch.no_grad()
def take_from_first(tensors: Iterable[Tensor]) -> None:
    """Replaces tensors by those of the first process."""
    if size() > 1:
        for x in tensors:
            dist.broadcast(x, src=0)
