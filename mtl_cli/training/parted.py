"""Whether the processes that train one model still have the same one."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import problem

FIX = "resume=<this run's folder>, which goes on from before"


def check_equal(model: nn.Module, epoch: int) -> None:
    """Stops where the weights of the processes differ: their updates are the same by design, so
    that memory, a device or a library has failed.

    Raises:
        ValueError: in all processes.
    """
    if ranks.size() == 1:
        return
    digests = ranks.everybodys(digest(model))
    others = [str(number) for number, own in enumerate(digests) if own != digests[0]]
    if others:
        found = f"others than of process 0 in {', '.join(others)}, after epoch {epoch}"
        raise problem("the weights of all processes", "must be equal", found, FIX)


def digest(model: nn.Module) -> str:
    """Of all bits of its weights and buffers."""
    found = hashlib.blake2b(digest_size=16)
    for x in model.state_dict().values():
        found.update(x.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()
