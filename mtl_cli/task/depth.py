"""Depth: the distance of every pixel along the camera's axis; a missing one is NaN."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_boolean, problem
from mtl_cli.task.base import Parts
from mtl_cli.task.maps import MapTask
from mtl_cli.task.prior import mean_label

PART = 64  # maps that are summed in double precision at once


class Depth(MapTask):
    """A number from 0 for every pixel, [B, 1, H, W], in metres, say; any other map of such numbers
    does too.

    Args:
        parts: what every task has.
        size: (H, W).
        pooling: see `MapTask`.
        standardize: whether the head predicts, and the loss compares, depths scaled to mean 0 and
            deviation 1 on train; published losses are in metres.
    """

    usual_loss = "l1"
    shown_as = "numbers"
    mean: Tensor
    scale: Tensor

    def __init__(self, parts: Parts, size: Sequence[int], pooling: str, standardize: bool) -> None:
        check_boolean(f"{parts.slot}.standardize", standardize)
        super().__init__(parts, 1, size, pooling)
        self.standardize = standardize
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, target: Tensor) -> None:
        super().fit(target)
        if not self.standardize:
            return
        count, total, squares = 0, 0.0, 0.0
        for part in target.split(PART):
            there = part.double().nan_to_num()
            count += int((~part.isnan()).sum())
            total += there.sum().item()
            squares += there.square().sum().item()
        mean = total / max(1, count)
        variance = squares / max(1, count) - mean**2
        self.mean.fill_(mean)
        self.scale.fill_(variance**0.5 if variance > 0 else 1.0)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def to_loss_unit(self, target: Tensor) -> Tensor:
        return (target - self.mean) / self.scale if self.standardize else target

    def predict(self, output: Tensor) -> Tensor:
        return output * self.scale + self.mean if self.standardize else output

    def prior(self, target: Tensor) -> Tensor:
        """The mean depth."""
        return mean_label(target, 1).nan_to_num()

    def output_of(self, prediction: Tensor) -> Tensor:
        return ((prediction - self.mean.cpu()) / self.scale.cpu()).float()

    def check_targets(self, target: Tensor) -> None:
        super().check_targets(target)
        if (target < 0).any():
            least = target.nan_to_num(0).min().item()
            rule = "must be at least 0 (NaN where missing)"
            raise problem(f"tasks.{self.name}", rule, least, "distances, with missing ones as NaN")

    def example_target(self, batch_size: int) -> Tensor:
        height, width = self.tried_size
        row = torch.linspace(0.5, 2.5, batch_size * height * width)
        return row.view(batch_size, 1, height, width)
