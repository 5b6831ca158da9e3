"""Multi-label classification: several labels at once, each 0 or 1; a missing label is NaN."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_cli.errors import check_integer
from mtl_cli.task.base import MakeHead
from mtl_cli.task.zero_one import ZeroOne

if TYPE_CHECKING:
    from torchmetrics import Metric


class Multilabel(ZeroOne):
    """L labels, each 0 or 1 as a float, [B, L]; the head gives L logits."""

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        plots: Mapping[str, "Metric"],
        weight: float,
        num_labels: int,
    ) -> None:
        check_integer(f"tasks.{name}.num_labels", num_labels, 1, f"tasks.{name}.num_labels=3")
        super().__init__(name, input, head, loss, metrics, plots, weight, out_features=num_labels)

    def loss(
        self,
        output: Tensor,
        target: Tensor,
        complete: bool = False,
        weights: Tensor | None = None,
    ) -> tuple[Tensor, int]:
        if complete and weights is None:
            return super().loss(output, target, complete)
        # A missing label becomes a certain one, whose loss is 0: weights stay with their labels.
        there = self.is_labelled(target)
        count = int(there.sum())
        output, target = torch.where(there, output, 1e4), torch.where(there, target, 1.0)
        if weights is not None:
            losses = self.each_loss(output, target)  # [B, L]
            counted = weights[:, None] * there
            return (losses * counted).sum() / counted.sum().clamp(min=1e-30), count
        return self.criterion(output, target) * (target.numel() / max(1, count)), count

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        # torchmetrics wants whole rows; it skips labels of -1 (``ignore_index`` in the YAML).
        return self.predict(output), target.nan_to_num(nan=-1).long()

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, self.out_features)
