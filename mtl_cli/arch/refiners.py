"""The refining layers of MTAN: from the shape of one stage's features to that of the next one's.

Liu, Johns & Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019,
https://arxiv.org/abs/1803.10704, equation 2.
"""

import math

from torch import Tensor, nn

from mtl_cli.encoder.base import Shape

CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d}
POOLINGS: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}


def refine_each(refine: nn.Module, attended: Tensor) -> Tensor:
    """f of all tasks' features, [K, B, C, ...]; in memory, maps lie example by example."""
    is_map = attended.dim() > 3
    x = attended.transpose(0, 1) if is_map else attended
    refined = refine(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return refined.transpose(0, 1) if is_map else refined


class Mean(nn.Module):
    """The mean of each channel over a map's positions: [B, C, ...] to [B, C].

    A map of a text may be shorter than its declared size: what lacks counts as zeros, which is
    what padding is.
    """

    def __init__(self, positions: Shape) -> None:
        super().__init__()
        self.num_positions = math.prod(positions)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).sum(2) / self.num_positions


def refiner(shape: Shape, to: Shape) -> nn.Module:
    """f: from the attended features of one stage to the shape of the next, then ReLU.

    From map to map a 3x3 convolution (of width 3 on sequences), then max-pooling with the windows
    that give the next map, 2x2 where it is half as large; a larger map repeats the nearest
    position. From or to a vector a linear map, of the mean over a map's positions or the same for
    all of them.
    """
    positions, wanted = shape[1:], to[1:]
    if len(positions) == len(wanted) and positions:
        convolve = CONVOLUTIONS[len(wanted)](shape[0], to[0], 3, padding=1)
        return nn.Sequential(convolve, nn.ReLU(inplace=True), *resize(positions, wanted))
    layers: list[nn.Module] = [nn.Linear(shape[0], to[0]), nn.ReLU(inplace=True)]
    if positions:
        layers = [Mean(positions), *layers]
    if wanted:
        layers += [nn.Unflatten(1, (to[0], *[1] * len(wanted))), nn.Upsample(wanted)]
    return nn.Sequential(*layers)


def resize(positions: Shape, wanted: Shape) -> list[nn.Module]:
    """What brings a map of so many positions to another one; nothing where they agree."""
    if positions == wanted:
        return []
    if any(after > before for before, after in zip(positions, wanted, strict=True)):
        return [nn.Upsample(wanted)]
    strides = [before // after for before, after in zip(positions, wanted, strict=True)]
    steps = zip(positions, wanted, strides, strict=True)
    kernel = [before - (after - 1) * stride for before, after, stride in steps]
    return [POOLINGS[len(wanted)](tuple(kernel), tuple(strides))]
