"""The cosine loss of directions."""

from torch import Tensor, nn

from mtl_cli.basis.vectors import dot, per_length


class CosineLoss(nn.Module):
    """The mean of ``1 - <p, g> / (|p| |g|)`` over vectors along the second dimension, [B, C, ...].

    As of surface normals in S. Liu, E. Johns & A. Davison, "End-to-End Multi-Task Learning with
    Attention", CVPR 2019, https://arxiv.org/abs/1803.10704, equation 5.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reduction = "mean"

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        cosine = dot(output, target) * per_length(output) * per_length(target)
        loss = 1 - cosine.squeeze(1)
        return loss if self.reduction == "none" else loss.mean()
