"""Surface normals: the direction that every pixel's surface faces; a missing one is NaN."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.basis.vectors import unit
from mtl_cli.task.base import Parts
from mtl_cli.task.maps import MapTask
from mtl_cli.task.prior import mean_label

THREE = 3
LONGER = 0.01  # by how much a length may differ from 1; half floats and pictures round


class Normals(MapTask):
    """A unit vector for every pixel, [B, 3, H, W], in the camera's axes: x right, y down or up, as
    the data has it, z likewise. Predictions are of unit length, and so is what the loss compares.

    A pixel counts once, whatever its loss: of L1, which is of each component, the mean of three.
    (Published code that divides by the pixels has three times that.) A pixel of which one component
    is missing is missing.

    Args:
        parts: what every task has.
        size: (H, W).
        pooling: see `MapTask`.
    """

    usual_loss = "cosine"
    shown_as = "directions"

    def __init__(self, parts: Parts, size: Sequence[int], pooling: str) -> None:
        super().__init__(parts, THREE, size, pooling)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan().any(1, keepdim=True)

    def filled(self, target: Tensor, there: Tensor) -> Tensor:
        return torch.where(there, target, 0)

    def of_pixels(self, each: Tensor) -> Tensor:
        return each.unsqueeze(1) if each.dim() == THREE else each.mean(1, keepdim=True)

    def denominator(
        self,
        target: Tensor,
        complete: bool = False,
        weights: Tensor | None = None,
        labels: int | None = None,
    ) -> int | Tensor:
        if labels is not None and weights is None:
            return labels // THREE
        if complete and weights is None:
            return target.numel() // THREE
        return super().denominator(target, complete, weights)

    def align(self, output: Tensor, target: Tensor) -> Tensor:
        return unit(output)

    def predict(self, output: Tensor) -> Tensor:
        return unit(output)

    def answer(self, prediction: Tensor) -> Tensor:
        """The vectors."""
        return prediction

    def prior(self, target: Tensor) -> Tensor:
        """The mean direction."""
        return self.predict(mean_label(target, THREE).nan_to_num())

    def check_targets(self, target: Tensor) -> None:
        super().check_targets(target)
        for normals in target.split(64):  # a whole split at once would be copied
            length = normals.norm(dim=1)
            wrong = length[(length - 1).abs() > LONGER]
            if len(wrong):
                rule = "must be of unit length (NaN where missing)"
                found = f"a length of {wrong[0]:.4g}"
                raise problem(f"tasks.{self.name}", rule, found, "normals divided by their length")

    def example_target(self, batch_size: int) -> Tensor:
        target = torch.zeros(batch_size, THREE, *self.tried_size)
        target[:, 2] = 1
        return target
