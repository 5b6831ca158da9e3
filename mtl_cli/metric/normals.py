"""Metrics of surface normals, from the angles between predictions and targets.

The figures of Fouhey, Gupta & Hebert, "Data-Driven 3D Primitives for Single Image Understanding",
ICCV 2013, section 5; Eigen & Fergus, ICCV 2015, https://arxiv.org/abs/1411.4734, section 5.2.
"""

import math
from collections.abc import Hashable
from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number
from mtl_cli.basis.sums import at_least_single
from mtl_cli.metric.base import MapMetric, exact, histogram

MISSING = math.inf  # in the place of an angle
PER_DEGREE = 100  # bins of the median's histogram
BINS = 180 * PER_DEGREE + 1  # the last one is 180 degrees
TINY = 1e-30  # turns a prediction of length 0 to a right angle


class Angles(MapMetric):
    """The angle ``acos(p . g)`` of each pixel in degrees, from 0 to 180, as [B, H, W].

    Reads predictions p and targets g, [B, 3, H, W]; a target with NaN in any channel is missing.
    Neither needs to be of length 1 (stored ones are not, quite): the angle is computed as
    ``atan2(|p x g|, p . g)``, which is the same, but in single precision the arc cosine is 0.03
    degrees off for small angles. A prediction of length 0 is at a right angle to all.

    Args:
        counts: zeros, in the shape of `count`.
        pooling: ``pixels`` or ``batches``.
    """

    @property
    def kind(self) -> Hashable:
        return Angles

    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        px, py, pz = at_least_single(prediction).unbind(1)  # each is computed with at once:
        gx, gy, gz = at_least_single(target).unbind(1)  # sums over channels are slow on a CPU
        along = px * gx + py * gy + pz * gz
        across = (py * gz - pz * gy).square_()
        across += (pz * gx - px * gz).square_()
        across += (px * gy - py * gx).square_()
        angle = torch.atan2(across.sqrt_().clamp_(min=TINY), along).rad2deg_()
        return angle.masked_fill_((gx + gy + gz).isnan(), MISSING)


class MeanAngle(Angles):
    """The mean angle over the pixels, in degrees.

    Args:
        pooling: ``pixels`` or ``batches``.
    """

    higher_is_better: ClassVar[bool] = False  # type: ignore[misc]

    def __init__(self, pooling: str) -> None:
        super().__init__(torch.zeros(2), pooling)

    def count(self, measured: Tensor) -> Tensor:
        """The sum of the angles, and how many there are."""
        there = measured != MISSING
        terms = [torch.where(there, measured, 0), there]
        return torch.stack([term.sum(dtype=exact(term.device)) for term in terms])

    def value(self, counts: Tensor) -> Tensor:
        return counts[0] / counts[1]


class MedianAngle(Angles):
    """The median angle over the pixels, in degrees, to within 0.005.

    It is found from a histogram with bins of 0.01 degrees, of which it gives the middle.

    Args:
        pooling: ``pixels`` or ``batches``, the mean of the batches' medians.
    """

    higher_is_better: ClassVar[bool] = False  # type: ignore[misc]

    def __init__(self, pooling: str) -> None:
        super().__init__(torch.zeros(BINS, dtype=torch.long), pooling)

    def count(self, measured: Tensor) -> Tensor:
        """The histogram; a prediction that is no number is as far off as can be."""
        bins = (measured * PER_DEGREE).nan_to_num_(nan=BINS - 1, posinf=BINS)  # inf: missing
        return histogram(bins.long(), BINS + 1)[:-1]

    def value(self, counts: Tensor) -> Tensor:
        until = counts.cumsum(0)
        total = until[-1]
        middle = torch.stack([(total - 1) // 2, total // 2])  # two, where they are even in number
        bins = torch.searchsorted(until, middle, right=True)
        median = ((bins + 0.5).mean() / PER_DEGREE).clamp(max=180)
        return torch.where(total > 0, median, torch.nan)


class ShareWithin(Angles):
    """The share of the pixels whose angle is less than so many degrees, from 0 to 1.

    Args:
        degrees: the angle, 0 to 180; customary are 11.25, 22.5 and 30.
        pooling: ``pixels`` or ``batches``.
    """

    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]

    def __init__(self, degrees: float, pooling: str) -> None:
        check_number("degrees", degrees, "degrees=11.25", 0, 180)
        super().__init__(torch.zeros(2, dtype=torch.long), pooling)
        self.degrees = degrees

    def count(self, measured: Tensor) -> Tensor:
        """How many are within, and how many there are."""
        return torch.stack([(measured < self.degrees).sum(), (measured != MISSING).sum()])

    def value(self, counts: Tensor) -> Tensor:
        return counts[0] / counts[1]
