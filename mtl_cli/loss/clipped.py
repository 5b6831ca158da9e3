"""What losses that weigh by propensities have in common: errors of labels, and clipped weights."""

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_number, problem


def check_least(least: float) -> None:
    """Refuses what no propensity can be clipped to."""
    check_number("loss.least", least, "loss.least=0.01", 0, 1)
    if least == 0:
        raise problem("loss.least", "must be greater than 0", least, "loss.least=0.01")


def errors(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Which labels are there, and the cross-entropy of each; where none is, that of a 0."""
    there = ~target.isnan()
    label = target.masked_fill(~there, 0)
    loss = nn.functional.binary_cross_entropy_with_logits(output, label, reduction="none")
    return there, loss


def inverse(there: Tensor, logit: Tensor, least: float) -> Tensor:
    """``o / p`` with ``p = max(sigmoid(logit), least)``, of which no gradient comes."""
    propensity = logit.detach().sigmoid().clamp(min=least)
    return torch.where(there, 1 / propensity, 0)
