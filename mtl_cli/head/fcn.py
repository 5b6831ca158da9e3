"""A small fully convolutional head.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
https://arxiv.org/abs/1411.4038; with one hidden layer, as usual on residual networks.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.head.dense import DenseHead, Shape


class FCN(DenseHead):
    """A 3x3 convolution with batch norm and ReLU, then a 1x1 convolution.

    Args:
        in_shapes, out_features, size, stages, align_corners: see `DenseHead`; of several stages
            the last is read.
        channels: of the hidden layer.
        dropout: the share of hidden channels set to zero in training, from 0 to 1.
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
        check_integer("head.channels", channels, 1, "head.channels=64")
        check_number("head.dropout", dropout, "head.dropout=0.1", 0, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(self.shapes[-1][0], channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *[nn.Dropout2d(dropout)] * (dropout > 0),
            nn.Conv2d(channels, out_features, 1),
        )

    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        logits: Tensor = self.layers(maps[-1])
        return logits
