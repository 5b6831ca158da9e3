"""Means that come of sums: what several batches say together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Scalar = float | Tensor


def joint_mean(means: Sequence[float], denominators: Sequence[float]) -> float | None:
    """``sum_i means_i d_i / sum_i d_i`` over those with a denominator above 0; None: there is none.

    The denominators are taken relative to the largest: one mean, or means of equally many, come
    out as if there were none, to the bit.
    """
    kept = [(mean, d) for mean, d in zip(means, denominators, strict=True) if d > 0]
    if not kept:
        return None
    largest = max(d for _, d in kept)
    return math.fsum(mean * (d / largest) for mean, d in kept) / math.fsum(
        d / largest for _, d in kept
    )


def as_numbers(scalars: Sequence[Scalar]) -> list[float]:
    """The scalars as numbers, in one synchronisation of the device that they are on."""
    tensors = [value for value in scalars if isinstance(value, Tensor)]
    read = iter(torch.stack(tensors).tolist() if tensors else [])
    return [next(read) if isinstance(value, Tensor) else value for value in scalars]


def mean_of_rows(each: Tensor, weights: Tensor | None) -> Tensor:
    """The mean of what each row adds, [B]; 0 where no row counts."""
    if weights is None:
        return each.mean()
    return (each * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def at_least_single(numbers: Tensor) -> Tensor:
    """Numbers that may be stored in half precision, in which nothing is computed."""
    return numbers.to(torch.promote_types(numbers.dtype, torch.float32))
