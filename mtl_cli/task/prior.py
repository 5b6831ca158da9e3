"""What labels say on the average: predictions that take no input."""

from collections.abc import Sequence

import torch
from torch import Tensor

MAPS = 64  # that are copied at once
TINY = 1e-7  # the least probability, for labels that train does not have: their loss stays finite


def mean_label(target: Tensor, num_outputs: int) -> Tensor:
    """The mean of each output over all labels that are there, [1, O, ...]; NaN where none is.

    Args:
        target: float labels, [B], [B, O] or [B, O, ...], NaN where missing.
        num_outputs: O.
    """
    total = torch.zeros(num_outputs, dtype=torch.float64)
    count = torch.zeros(num_outputs, dtype=torch.long)
    for part in in_parts(target):
        columns = part.reshape(len(part), num_outputs, -1).double()  # [B, O, P]
        total += columns.nan_to_num().sum((0, 2)).cpu()
        count += (~columns.isnan()).sum((0, 2)).cpu()
    mean = (total / count).to(target.device)
    own_dimension = target.shape[1:2] == (num_outputs,)
    return everywhere(mean, target.shape[1 + own_dimension :])


def class_shares(target: Tensor, num_classes: int) -> Tensor:
    """How many of the labels are of each class, [1, C, ...]; all alike where there is no label.

    Args:
        target: classes, [B, ...], -1 where missing.
        num_classes: C.
    """
    counts = torch.zeros(num_classes, dtype=torch.float64, device=target.device)
    for part in in_parts(target):
        counts += torch.bincount(part[part != -1], minlength=num_classes)
    shares = counts / counts.sum() if counts.any() else torch.full_like(counts, 1 / num_classes)
    return everywhere(shares, target.shape[1:])


def in_parts(target: Tensor) -> Sequence[Tensor]:
    """Labels of examples as one part; those of pixels, of which a split may fill the memory, some
    maps at a time."""
    return target.split(MAPS) if target.dim() > 2 else [target]


def everywhere(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The values [O] at each position of a shape, [1, O, *shape]."""
    return values.view(1, -1, *[1] * len(shape)).expand(1, -1, *shape)
