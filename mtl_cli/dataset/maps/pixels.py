"""Pictures and their maps as they are kept, in few bytes, and as training reads them."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_cli.basis.vectors import unit


def unpacked(kind: str, target: Tensor) -> Tensor:
    """A target as tasks read it: classes as long, the rest in single precision, ``edges`` with NaN
    for what is -1, and ``normals`` of unit length, which half floats keep to three digits."""
    if kind == "edges":
        found = target.float()
        return found.masked_fill(target < 0, torch.nan) if target.dtype.is_signed else found
    if not target.is_floating_point():
        return target.long()
    target = target.float()
    return unit(target) if kind == "normals" else target


def borders(surface: Tensor) -> Tensor:
    """The pixels [N, 1, H, W] of which a neighbour above, below or beside shows another surface.

    Args:
        surface: which one each pixel shows, [N, H, W].
    """
    edges = torch.zeros_like(surface, dtype=torch.bool)
    for dim in (1, 2):
        size = surface.shape[dim] - 1
        other = surface.narrow(dim, 0, size) != surface.narrow(dim, 1, size)
        edges.narrow(dim, 0, size).logical_or_(other)
        edges.narrow(dim, 1, size).logical_or_(other)
    return edges.unsqueeze(1)
