"""A feature pyramid: coarse maps come down to fine ones, and all of them are read together.

Lin, Dollár, Girshick, He, Hariharan & Belongie, "Feature Pyramid Networks for Object Detection",
CVPR 2017, https://arxiv.org/abs/1612.03144; for pixels as in Kirillov, Girshick, He & Dollár,
"Panoptic Feature Pyramid Networks", CVPR 2019, https://arxiv.org/abs/1901.02446.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer
from mtl_cli.head.dense import DenseHead, Shape, resized


class FPN(DenseHead):
    """``P_l = L_l C_l + up(P_l+1)``, from the last stage to the first; the sum of all P at the
    first's size through a 3x3 convolution with batch norm and ReLU, then a 1x1 convolution.

    L are 1x1 convolutions. Unlike the papers' there is one 3x3 convolution, after the sum: each
    level of theirs has its own.

    Args:
        in_shapes, out_features, size, stages, align_corners: see `DenseHead`.
        channels: of the pyramid.
    """

    def __init__(
        self,
        in_shapes: Sequence[Shape],
        out_features: int,
        size: tuple[int, int],
        stages: str | Sequence[int],
        align_corners: bool,
        channels: int,
    ) -> None:
        super().__init__(in_shapes, out_features, size, stages, align_corners)
        check_integer("head.channels", channels, 1, "head.channels=64")
        self.laterals = nn.ModuleList(nn.Conv2d(shape[0], channels, 1) for shape in self.shapes)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, out_features, 1),
        )

    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        sides = [lateral(x) for lateral, x in zip(self.laterals, maps, strict=True)]
        coarse = sides[-1]
        pyramid = [coarse]
        for fine in reversed(sides[:-1]):
            coarse = fine + resized(coarse, fine.shape[2:], self.align_corners)
            pyramid.append(coarse)
        finest = pyramid[-1].shape[2:]
        total = pyramid[-1]
        for level in pyramid[:-1]:
            total = total + resized(level, finest, self.align_corners)
        logits: Tensor = self.layers(total)
        return logits
