"""Where labels are, and how much each counts."""

import torch
from torch import Tensor


def labelled(mask: Tensor, labels: int | None) -> Tensor | tuple[Tensor, ...]:
    """What takes the entries at which the mask is true: their places where their number is known,
    for a mask makes the host wait until the device has counted them."""
    if labels is None or mask.device.type not in ("cpu", "cuda"):
        return mask
    return torch.nonzero_static(mask, size=labels).unbind(1)


def per_label(weights: Tensor, target: Tensor) -> Tensor:
    """The weight of each example [B] at each of its labels [B, ...]."""
    return weights.view(-1, *[1] * (target.dim() - 1)).expand_as(target)
