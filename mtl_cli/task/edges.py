"""Edges: which pixels show the border of a surface; a missing label is NaN."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.task.base import Parts
from mtl_cli.task.maps import MapTask
from mtl_cli.task.zero_one import ZeroOne


class Edges(MapTask, ZeroOne):
    """0 or 1 for every pixel as floats, [B, 1, H, W]; the head gives a logit. Any other mask of two
    classes does too.

    Args:
        parts: what every task has.
        size: (H, W).
        pooling: see `MapTask`.
    """

    shown_as = "shares"

    def __init__(self, parts: Parts, size: Sequence[int], pooling: str) -> None:
        super().__init__(parts, 1, size, pooling)

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        prediction, target = super().score(output, target, complete)
        return prediction, target.long() if target.dim() == 1 else target

    def example_target(self, batch_size: int) -> Tensor:
        target = torch.zeros(batch_size, 1, *self.tried_size)
        target[..., 0] = 1
        return target
