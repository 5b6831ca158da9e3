"""Binary classification: two classes as floats 0 and 1; a missing label is NaN."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_cli.task.base import MakeHead
from mtl_cli.task.zero_one import ZeroOne

if TYPE_CHECKING:
    from torchmetrics import Metric


class Binary(ZeroOne):
    """Two classes as floats 0 and 1, [B]; the head gives one logit."""

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        plots: Mapping[str, "Metric"],
        weight: float,
    ) -> None:
        super().__init__(name, input, head, loss, metrics, plots, weight, out_features=1)

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        prediction, target = super().score(output, target, complete)
        return prediction, target.long()

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size)
