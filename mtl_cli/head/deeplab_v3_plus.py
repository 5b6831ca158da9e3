"""DeepLabv3+'s head: the last map read at several distances, and sharpened by an early one.

Chen, Zhu, Papandreou, Schroff & Adam, "Encoder-Decoder with Atrous Separable Convolution for
Semantic Image Segmentation", ECCV 2018, https://arxiv.org/abs/1802.02611, section 3.1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.head.aspp import ASPP, convolution
from mtl_cli.head.dense import DenseHead, Shape, resized


class DeepLabV3Plus(DenseHead):
    """``C [E x_0; up(ASPP(x_1))]`` for an early and a late map x_0 and x_1: E is a 1x1 convolution
    to few channels, C two 3x3 convolutions and a 1x1 convolution at the size of the early map.

    All but the last have batch norm and ReLU. Unlike the paper's, 3x3 convolutions are whole ones,
    not separable.

    Args:
        in_shapes, out_features, size, stages, align_corners: see `DenseHead`; it reads two stages.
        channels, rates, dropout: see `ASPP`; ``channels`` also those of the 3x3 convolutions.
        early_channels: those that the early map is brought to.

    Raises:
        ValueError: where there are not two stages to read.
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
        early_channels: int,
    ) -> None:
        check_two(in_shapes, stages)
        super().__init__(in_shapes, out_features, size, stages, align_corners)
        check_integer("head.early_channels", early_channels, 1, "head.early_channels=48")
        early, late = self.shapes
        self.early = nn.Sequential(*convolution(early[0], early_channels, 1))
        self.late = ASPP(late[0], channels, rates, dropout)
        self.layers = nn.Sequential(
            *convolution(channels + early_channels, channels, 3),
            *convolution(channels, channels, 3),
            nn.Conv2d(channels, out_features, 1),
        )

    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        early, late = self.early(maps[0]), self.late(maps[1])
        late = resized(late, early.shape[2:], self.align_corners)
        logits: Tensor = self.layers(torch.cat([early, late], 1))
        return logits


def check_two(in_shapes: Sequence[Shape], stages: str | Sequence[int]) -> None:
    """Refuses what are not two stages, and encoders with a single map."""
    if sum(len(shape) == 3 for shape in in_shapes) == 1:
        rule, found = "reads an early map and a late one", "an encoder that gives a single map"
        raise problem("head=deeplab_v3_plus", rule, found, "head=deeplab_v3")
    given = stages if isinstance(stages, list | tuple) else []
    last = len(in_shapes) - 1
    if len(given) != 2 or {*given} <= {last, -1}:
        rule = "must be two stages of the encoder, an early one and a late one"
        found = f"{stages}, where the last stage is {last}"
        raise problem("head.stages", rule, found, f"'head.stages=[{min(1, last - 1)},{last}]'")
