"""Metrics of depth, from sums over pixels.

The figures of Eigen, Puhrsch & Fergus, "Depth Map Prediction from a Single Image using a
Multi-Scale Deep Network", NeurIPS 2014, https://arxiv.org/abs/1406.2283, section 4.
"""

from collections.abc import Hashable
from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.sums import at_least_single
from mtl_cli.metric.base import MapMetric, exact


class DepthSums(MapMetric):
    """Sums over pixels, as [4]: of ones, ``|p - g|``, ``|p - g| / g`` and ``(p - g)^2``.

    Reads predictions p and targets g, above 0, [B, 1, H, W] in metres; a target of NaN is missing.

    Args:
        pooling: ``pixels`` or ``batches``.
    """

    higher_is_better: ClassVar[bool] = False  # type: ignore[misc]

    def __init__(self, pooling: str) -> None:
        super().__init__(torch.zeros(4), pooling)

    @property
    def kind(self) -> Hashable:
        return DepthSums

    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        prediction, target = at_least_single(prediction), at_least_single(target)
        missing = target.isnan()
        error = torch.where(missing, 0, prediction - target).abs()
        relative = torch.where(missing, 0, error / target)
        terms = [~missing, error, relative, error.square()]
        return torch.stack([term.sum(dtype=exact(term.device)) for term in terms])


class AbsoluteError(DepthSums):
    """``mean |p - g|`` over the pixels, in metres."""

    def value(self, counts: Tensor) -> Tensor:
        return counts[1] / counts[0]


class RelativeError(DepthSums):
    """``mean |p - g| / g`` over the pixels, a ratio."""

    def value(self, counts: Tensor) -> Tensor:
        return counts[2] / counts[0]


class RMSE(DepthSums):
    """``sqrt(mean (p - g)^2)`` over the pixels, in metres."""

    def value(self, counts: Tensor) -> Tensor:
        return (counts[3] / counts[0]).sqrt()
