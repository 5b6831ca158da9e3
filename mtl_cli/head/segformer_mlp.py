"""SegFormer's head: maps of several stages, each brought to one width, read together.

Xie, Wang, Yu, Anandkumar, Alvarez & Luo, "SegFormer: Simple and Efficient Design for Semantic
Segmentation with Transformers", NeurIPS 2021, https://arxiv.org/abs/2105.15203, section 3.2.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.head.dense import DenseHead, Shape, resized


class SegFormerMLP(DenseHead):
    """``W relu(norm(V [up(L_0 x_0); up(L_1 x_1); ...]))``: a linear map L of the channels of each
    stage, all at the size of the first, and two linear maps V and W of what stands together.

    A linear map of channels and an enlargement may change places. So it is computed as
    ``up(V_0 L_0 x_0) + up(V_1 L_1 x_1) + ...``, the same at a third of the cost where each map has
    half the sides of the one before.

    Args:
        in_shapes, out_features, size, stages, align_corners: see `DenseHead`.
        channels: of each stage's linear map, and of what they are brought to together.
        dropout: the share of those channels set to zero in training, from 0 to 1.
    """

    def __init__(
        self,
        in_shapes: Sequence[Shape],
        out_features: int,
        size: tuple[int, int],
        stages: str | Sequence[int],
        align_corners: bool,
        channels: int,
        dropout: float,
    ) -> None:
        super().__init__(in_shapes, out_features, size, stages, align_corners)
        check_integer("head.channels", channels, 1, "head.channels=256")
        check_number("head.dropout", dropout, "head.dropout=0.1", 0, 1)
        self.linear = nn.ModuleList(nn.Conv2d(shape[0], channels, 1) for shape in self.shapes)
        self.together = nn.Conv2d(len(self.shapes) * channels, channels, 1, bias=False)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Dropout2d(dropout),
            nn.Conv2d(channels, out_features, 1),
        )

    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        shares = self.together.weight.split(self.together.out_channels, 1)
        sides = [
            nn.functional.conv2d(linear(x), share)
            for linear, share, x in zip(self.linear, shares, maps, strict=True)
        ]
        total = sides[0]
        for side in sides[1:]:
            total = total + resized(side, total.shape[2:], self.align_corners)
        logits: Tensor = self.layers(total)
        return logits
