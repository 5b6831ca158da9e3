"""Bias: by how much predictions are too high on the average."""

from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from mtl_cli.metric.base import exact


class Bias(Metric):
    """``mean (p - y)`` of predictions p and labels y, [B]. 0 is best: neither high nor low is."""

    higher_is_better: ClassVar[None] = None  # type: ignore[misc]
    is_differentiable = True
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        kind = exact(prediction.device)
        self.total = self.total + (prediction.to(kind) - target.to(kind)).sum()
        self.count = self.count + target.numel()

    def compute(self) -> Tensor:
        return (self.total / self.count).float()
