"""Semantic segmentation: the class of every pixel; a missing label is -1."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.task.base import Parts
from mtl_cli.task.maps import MapTask
from mtl_cli.task.one_class import OneClass

BYTE = 256  # values that a byte has


class Segmentation(MapTask, OneClass):
    """One of C classes for every pixel, as an integer from 0, [B, H, W]; the head gives C logits,
    [B, C, H, W].

    Args:
        parts: what every task has.
        num_classes: C.
        size: (H, W).
        pooling: see `MapTask`.
    """

    shown_as = "classes"

    def __init__(self, parts: Parts, num_classes: int, size: Sequence[int], pooling: str) -> None:
        super().__init__(parts, num_classes, size, pooling)

    def answer(self, prediction: Tensor) -> Tensor:
        """The likeliest class, as `uint8` where there are no more than that holds."""
        return prediction.argmax(1).to(torch.uint8 if self.out_features <= BYTE else torch.int16)

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, *self.tried_size, dtype=torch.long)
