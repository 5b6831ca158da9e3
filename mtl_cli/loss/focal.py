"""Focal loss: cross-entropy that cares less about examples that are already right.

Lin, Goyal, Girshick, He & Dollár, "Focal Loss for Dense Object Detection", ICCV 2017,
https://arxiv.org/abs/1708.02002, equation 5.
"""

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_number, problem


class FocalLoss(nn.Module):
    """The mean of ``-alpha_y (1 - p_y)^gamma log p_y`` over the examples.

    ``p_y`` is the probability of the true class: the sigmoid's for a binary task (float targets,
    as in the paper), the softmax's for C classes. At ``gamma = 0`` it is cross-entropy.

    Args:
        gamma: how fast the weight of easy examples falls, at least 0.
        alpha: one weight a class, [C]; None weighs all the same.
    """

    alpha: Tensor | None

    def __init__(self, gamma: float, alpha: Tensor | None) -> None:
        super().__init__()
        check_number("loss.gamma", gamma, "loss.gamma=2.0", 0)
        if alpha is not None and alpha.numel() < 2:
            rule, fix = "must have a weight for each class", "loss.alpha=[0.25,0.75]"
            raise problem("loss.alpha", rule, str(alpha.tolist()), fix)
        self.gamma = gamma
        self.reduction = "mean"
        self.register_buffer("alpha", alpha, persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            log_p = -nn.functional.binary_cross_entropy_with_logits(
                output, target, reduction="none"
            )
        else:
            log_p = output.log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
        # 1 - p from its logarithm is exact where p is near 1; the clamp keeps 0^gamma's gradient.
        miss = -torch.expm1(log_p.clamp(max=-torch.finfo(log_p.dtype).tiny))
        loss = -(miss**self.gamma) * log_p
        loss = loss if self.alpha is None else self.alpha[target.long()] * loss
        return loss if self.reduction == "none" else loss.mean()
