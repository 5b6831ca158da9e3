"""ZILN: the loss of amounts that are 0 for many and spread over magnitudes for the others.

Wang, Liu & Miao, "A Deep Probabilistic Model for Customer Lifetime Value Prediction", 2019,
https://arxiv.org/abs/1912.07753, equations 5 and 6.
"""

import math

import torch
from torch import Tensor, nn

from mtl_cli.basis.sums import at_least_single


class ZILN(nn.Module):
    """The mean negative log likelihood of a zero-inflated log-normal distribution.

    With p = sigmoid(z) the chance that an amount y is above 0, and m and s the mean and deviation
    of its logarithm then: ``-log(1 - p)`` for y = 0, and else
    ``-log p + log(y s sqrt(2 pi)) + (log y - m)^2 / (2 s^2)``. Reads z, m and s > 0 as [B, 3], and
    y as [B].
    """

    def __init__(self) -> None:
        super().__init__()
        self.reduction = "mean"

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if output.dim() != 2 or output.shape[1] != 3:
            raise ValueError("reads three outputs an example: a logit, a mean and a deviation")
        logit, mean, deviation = at_least_single(output).unbind(1)
        some = target > 0
        log = torch.where(some, target, 1).log()
        away = ((log - mean) / deviation).square() / 2
        amount = log + deviation.log() + math.log(2 * math.pi) / 2 + away
        is_some = nn.functional.binary_cross_entropy_with_logits(
            logit, some.to(logit.dtype), reduction="none"
        )
        loss = is_some + torch.where(some, amount, 0)
        return loss if self.reduction == "none" else loss.mean()
