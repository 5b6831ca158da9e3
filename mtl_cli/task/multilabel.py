"""Multi-label classification: several labels at once, each 0 or 1; a missing label is NaN."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_integer
from mtl_cli.task.base import Parts
from mtl_cli.task.zero_one import ZeroOne


class Multilabel(ZeroOne):
    """L labels, each 0 or 1 as a float, [B, L]; the head gives L logits."""

    def __init__(self, parts: Parts, num_labels: int) -> None:
        check_integer(f"{parts.slot}.num_labels", num_labels, 1, f"{parts.slot}.num_labels=3")
        super().__init__(parts, out_features=num_labels)

    def mean_loss(
        self,
        output: Tensor,
        target: Tensor,
        complete: bool,
        weights: Tensor | None,
        labels: int | None = None,
        others: Sequence[Tensor] = (),
    ) -> Tensor:
        if complete and weights is None:
            return super().mean_loss(output, target, complete, weights, labels)
        # A missing label becomes a certain one, whose loss is 0: weights stay with their labels.
        there = self.is_labelled(target)
        output, target = torch.where(there, output, 1e4), torch.where(there, target, 1.0)
        if weights is not None:
            counted = weights[:, None] * there  # [B, L]
            return (self.each_loss(output, target) * counted).sum() / counted.sum()
        return self.plain_loss(output, target) * (target.numel() / there.sum())

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        # torchmetrics wants whole rows; it skips labels of -1 (``ignore_index`` in the YAML).
        return self.predict(output), target.nan_to_num(nan=-1).long()

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, self.out_features)
