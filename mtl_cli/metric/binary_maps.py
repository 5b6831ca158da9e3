"""Metrics of maps of yes and no (edges, say), from a histogram of the predicted probabilities.

Precision and recall of pixels against thresholds, as in Martin, Fowlkes & Malik, "Learning to
Detect Natural Image Boundaries Using Local Brightness, Color, and Texture Cues", PAMI 26(5), 2004,
section 3.1. Departure: there an edge may lie some pixels off; here each pixel stands for itself.
"""

from collections.abc import Hashable
from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.sums import at_least_single
from mtl_cli.metric.base import MapMetric, histogram

STEPS = 128  # the thresholds are 0, 1/128, ..., 1: a power of two, so nothing is rounded


class Probabilities(MapMetric):
    """How many pixels that are not, and that are, reach each threshold and not the next, [2, 129].

    Reads probabilities [B, 1, H, W] and targets of the same shape, 0 or 1; NaN or -1 is missing.

    Args:
        pooling: ``pixels`` or ``batches``.
    """

    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]

    def __init__(self, pooling: str) -> None:
        super().__init__(torch.zeros(2, STEPS + 1, dtype=torch.long), pooling)

    @property
    def kind(self) -> Hashable:
        return Probabilities

    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        steps = (at_least_single(prediction) * STEPS).nan_to_num().clamp(0, STEPS).long()
        cell = torch.where(target > 0, STEPS + 1 + steps, steps)
        cell = torch.where(target >= 0, cell, 2 * (STEPS + 1))  # NaN is not at least 0
        return histogram(cell, 2 * (STEPS + 1) + 1)[:-1].view(2, STEPS + 1)


def precision_and_recall(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Those of "yes" from each threshold on, [129] each; the precision of no "yes" is 0.

    Without a pixel that is "yes", no recall is a number.
    """
    wrong, right = counts.flip(1).cumsum(1).flip(1)
    return right / (wrong + right).clamp(min=1), right / right[0]


class F1(Probabilities):
    """``2 P R / (P + R)`` of precision and recall at the threshold 0.5, from 0 to 1."""

    def value(self, counts: Tensor) -> Tensor:
        wrong, right = counts[:, STEPS // 2 :].sum(1)
        return 2 * right / (wrong + right + counts[1].sum())


class BestF1(Probabilities):
    """The largest ``2 P R / (P + R)`` of all thresholds above 0, one for all pixels, 0 to 1.

    With ``pooling=pixels`` it is the optimal dataset scale (ODS) F without a tolerance.
    """

    def value(self, counts: Tensor) -> Tensor:
        wrong, right = counts.flip(1).cumsum(1).flip(1)[:, 1:]
        return (2 * right / (wrong + right + counts[1].sum())).max()


class AveragePrecision(Probabilities):
    """``sum_t (R_t - R_{t+1}) P_t`` over the thresholds, with ``R_129 = 0``, from 0 to 1."""

    def value(self, counts: Tensor) -> Tensor:
        precision, recall = precision_and_recall(counts)
        below = torch.cat([recall[1:], recall.new_zeros(1)])
        return ((recall - below) * precision).sum()
