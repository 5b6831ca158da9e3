"""DeepLabv3's head: the last map read at several distances.

Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation",
2017, https://arxiv.org/abs/1706.05587, section 3.3.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.head.aspp import ASPP, convolution
from mtl_cli.head.dense import DenseHead, Shape


class DeepLabV3(DenseHead):
    """`ASPP`, a 3x3 convolution with batch norm and ReLU, then a 1x1 convolution.

    Unlike the paper's there is a 3x3 convolution before the last one, as in torchvision's
    ``DeepLabHead``, whose weights ``layers`` can load.

    Args:
        in_shapes, out_features, size, stages, align_corners: see `DenseHead`; of several stages
            the last is read.
        channels, rates, dropout: see `ASPP`.
    """

    def __init__(
        self,
        in_shapes: Sequence[Shape],
        out_features: int,
        size: tuple[int, int],
        stages: str | Sequence[int],
        align_corners: bool,
        channels: int,
        rates: Sequence[int],
        dropout: float,
    ) -> None:
        super().__init__(in_shapes, out_features, size, stages, align_corners)
        self.layers = nn.Sequential(
            ASPP(self.shapes[-1][0], channels, rates, dropout),
            *convolution(channels, channels, 3),
            nn.Conv2d(channels, out_features, 1),
        )

    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        logits: Tensor = self.layers(maps[-1])
        return logits
