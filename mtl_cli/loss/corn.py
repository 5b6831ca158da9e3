"""CORN: the loss of ordered classes, by the chance to go on from each class to a higher one.

Shi, Cao & Raschka, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based on
Conditional Probabilities", Pattern Analysis and Applications 2023,
https://arxiv.org/abs/2111.08851, equation 8; the model of each example is the continuation ratio
of Fienberg, "The Analysis of Cross-Classified Categorical Data", MIT Press 1980, section 6.6.
"""

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem


class CORN(nn.Module):
    """The mean of ``-sum_{k < y} log s(z_k) - [y < K - 1] log(1 - s(z_y))`` over the examples.

    ``s(z_k)``, the sigmoid of an output, is the chance that the class y of 0 to K - 1 is higher
    than k, given that it is at least k. So an example teaches only those of its outputs that it
    has an answer to, chances of higher classes never exceed those of lower ones, and the loss is
    the cross-entropy of the classes. The paper divides by the number of answers, of which high
    classes have more; here each example counts the same. With two classes it is the binary
    cross-entropy.

    Args:
        weight: one weight a class, [K], of which the mean is taken; None weighs all the same.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None) -> None:
        super().__init__()
        if weight is not None and weight.numel() < 2:
            rule, fix = "must have a weight for each class", "loss.weight=balanced"
            raise problem("loss.weight", rule, str(weight.tolist()), fix)
        self.reduction = "mean"
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        classes = torch.arange(output.shape[1], device=output.device)
        classes = classes.view(-1, *[1] * (output.dim() - 2))  # [K - 1, ...]
        label = target.unsqueeze(1)
        terms = nn.functional.binary_cross_entropy_with_logits(
            output, (label > classes).to(output.dtype), reduction="none"
        )
        each = torch.where(label >= classes, terms, 0).sum(1)  # [B, ...]
        own = None if self.weight is None else self.weight[target]
        loss = each if own is None else own * each
        if self.reduction == "none":
            return loss
        return loss.mean() if own is None else loss.sum() / own.sum()
