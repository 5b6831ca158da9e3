"""Atrous spatial pyramid pooling: a map read at several distances at once, and as a whole.

Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation",
2017, https://arxiv.org/abs/1706.05587, section 3.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer, check_number, problem


class ASPP(nn.Module):
    """``P [A_0 x; A_1 x; ...; g(x)]``: A_0 a 1x1 convolution, the others 3x3 ones whose kernels
    read positions ``rates`` apart, g a 1x1 convolution of the mean over all positions, given to
    each of them, and P a 1x1 convolution of all of these.

    Each convolution has batch norm and ReLU. Parameters have the names and places of torchvision's
    ``ASPP``, whose weights can be loaded.

    Args:
        in_channels: of the map.
        channels: of each branch, and of what comes out.
        rates: a 3x3 branch each, in positions of the map; one that is as large as the map reads
            its centre alone.
        dropout: the share of what comes out set to zero in training, from 0 to 1.
    """

    def __init__(
        self, in_channels: int, channels: int, rates: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        check_integer("head.channels", channels, 1, "head.channels=256")
        check_rates(rates)
        check_number("head.dropout", dropout, "head.dropout=0.5", 0, 1)
        self.convs = nn.ModuleList([nn.Sequential(*convolution(in_channels, channels, 1))])
        self.convs.extend(
            nn.Sequential(*convolution(in_channels, channels, 3, rate)) for rate in rates
        )
        self.convs.append(
            nn.Sequential(nn.AdaptiveAvgPool2d(1), *convolution(in_channels, channels, 1))
        )
        self.project = nn.Sequential(
            *convolution(len(self.convs) * channels, channels, 1), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) == 1:
            rule = "normalises each picture's mean over the batch, so that training takes two"
            fix = "dataset.drop_last=true, and dataset.batch_size=8 where batches were of 1"
            raise problem("a head with pooled maps", rule, "a batch of 1 example", fix)
        *near, whole = [branch(x) for branch in self.convs]
        out: Tensor = self.project(torch.cat([*near, whole.expand_as(near[0])], 1))
        return out


def convolution(
    in_channels: int, channels: int, kernel_size: int, rate: int = 1
) -> list[nn.Module]:
    """A convolution that keeps the size of a map, batch norm and ReLU."""
    padding = rate * (kernel_size // 2)
    return [
        nn.Conv2d(in_channels, channels, kernel_size, padding=padding, dilation=rate, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    ]


def check_rates(rates: Sequence[int]) -> None:
    """Refuses what is no list of rates, each an integer of at least 1."""
    fix = "'head.rates=[12,24,36]'"
    if not isinstance(rates, list | tuple):
        raise problem("head.rates", "must be a list of rates, in positions", rates, fix)
    for rate in rates:
        check_integer("each of head.rates", rate, 1, fix)
