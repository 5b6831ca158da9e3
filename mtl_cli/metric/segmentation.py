"""Metrics of segmentation, from one confusion matrix of pixels.

The figures of Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation",
CVPR 2015, https://arxiv.org/abs/1411.4038, section 5.
"""

from collections.abc import Hashable
from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_integer
from mtl_cli.metric.base import MapMetric, histogram


class Confusion(MapMetric):
    """Counts ``n_ij``, the pixels of class i that are predicted as j, as [C, C].

    Reads scores or probabilities [B, C, H, W], of which the largest is the class, and classes
    [B, H, W]; a pixel of -1 is missing.

    Args:
        num_classes: C.
        pooling: ``pixels`` or ``batches``.
    """

    def __init__(self, num_classes: int, pooling: str) -> None:
        check_integer("num_classes", num_classes, 1, "num_classes=2")
        super().__init__(torch.zeros(num_classes, num_classes, dtype=torch.long), pooling)
        self.num_classes = num_classes

    @property
    def kind(self) -> Hashable:
        return Confusion, self.num_classes

    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        size = self.num_classes
        cell = target.long() * size + first_largest(prediction)
        cell = torch.where(target < 0, size**2, cell)  # missing ones to a bin of their own
        return histogram(cell, size**2 + 1)[:-1].view(size, size)


def first_largest(scores: Tensor) -> Tensor:
    """``scores.argmax(1)`` of [B, C, H, W], which on a CPU takes ten times as long; NaN give 0."""
    size = scores.shape[1]
    narrow = torch.uint8 if size < 256 else torch.int16
    rank = torch.arange(size, 0, -1, dtype=narrow, device=scores.device).view(-1, 1, 1)
    is_largest = (scores == scores.amax(1, keepdim=True)).to(narrow)
    return (size - (is_largest * rank).amax(1).long()) % size


class MeanIoU(Confusion):
    """``mean_c n_cc / (sum_j n_cj + sum_i n_ic - n_cc)``, from 0 to 1.

    The mean over the classes that occur, in the targets or the predictions; a class that occurs in
    neither has no value. (With ``pooling=pixels`` that is a class of which the split has no pixel.)
    """

    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]

    def value(self, counts: Tensor) -> Tensor:
        right = counts.diagonal()
        either = counts.sum(0) + counts.sum(1) - right
        return (right / either).nanmean()


class PixelAccuracy(Confusion):
    """``sum_c n_cc / sum_ij n_ij``, the share of the pixels that are predicted right, 0 to 1."""

    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]

    def value(self, counts: Tensor) -> Tensor:
        return counts.trace() / counts.sum()
