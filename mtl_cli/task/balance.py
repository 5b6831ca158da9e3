"""Weights by which each class counts the same in a loss, from how many labels it has in train.

As scikit-learn's ``class_weight="balanced"``; missing labels are left out.
"""

import torch
from torch import Tensor


def class_weights(target: Tensor, num_outputs: int) -> Tensor:
    """``N / (K N_c)`` of each class, [C]: N labels, N_c of them of class c, K classes that have
    some. A class that has none counts 1.

    Args:
        target: classes, -1 or NaN where missing.
        num_outputs: C, or 1 for the two classes of one logit.
    """
    counts = torch.bincount(target[target >= 0].long(), minlength=max(2, num_outputs)).double()
    there = counts > 0
    weights = counts.sum() / (there.sum() * counts)
    return torch.where(there, weights, 1.0).float()


def positive_weights(target: Tensor, num_outputs: int) -> Tensor:
    """How many zeros there are for each one, [O]: by so much more a one counts.

    1 where there is no one, or no zero.

    Args:
        target: zeros and ones, [B] or [B, O], NaN where missing.
        num_outputs: O.
    """
    columns = target.reshape(len(target), num_outputs, -1)  # [B, O, P]
    ones, zeros = ((columns == label).sum((0, 2)).double() for label in (1, 0))
    return torch.where((ones > 0) & (zeros > 0), zeros / ones, 1.0).float()
