"""What is done to train pictures by chance: flips, crops, turns, colours, erased parts, mixtures.

Crops are those of K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
https://arxiv.org/abs/1512.03385, section 4.2; erased parts of Z. Zhong et al., "Random Erasing Data
Augmentation", AAAI 2020, https://arxiv.org/abs/1708.04896, with its areas and proportions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import send
from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.dataset.augmenting.jitter import Jitter
from mtl_cli.dataset.augmenting.mixup import mixed
from mtl_cli.dataset.prepared.pixels import Pixels
from mtl_cli.dataset.splits.options import checked

SLOT = "dataset.augment"
AREAS = (0.02, 0.4)  # of the picture, that an erased part has
SIDES = (0.3, 1 / 0.3)  # its height by its width


@dataclass(frozen=True)
class Augment:
    """What is drawn for each train picture anew, in this order; 0: never.

    What a picture shows beyond its border, and where it is erased, is the mean of all pixels.

    Args:
        flip: probability that left and right are exchanged.
        crop: how many pixels a picture is moved up or down, left or right, at most.
        rotate: by how many degrees it is turned about its middle, at most, either way.
        colour: how far from 1 the factors on brightness and contrast may be; see `Jitter`.
        erase: probability that a part is erased: of the picture 2 to 40 percent, and of a height
            from 0.3 to 3.3 of its width.
        mixup: a of the distribution Beta(a, a) of the share in which pictures are mixed in pairs,
            with the labels of both; see `mixed`.
    """

    flip: float
    crop: int
    rotate: float
    colour: float
    erase: float
    mixup: float

    def __post_init__(self) -> None:
        check_number(f"{SLOT}.flip", self.flip, f"{SLOT}.flip=0.5", 0, 1)
        check_integer(f"{SLOT}.crop", self.crop, 0, f"{SLOT}.crop=4")
        check_number(f"{SLOT}.rotate", self.rotate, f"{SLOT}.rotate=10", 0, 180)
        check_number(f"{SLOT}.colour", self.colour, f"{SLOT}.colour=0.2", 0, 1)
        check_number(f"{SLOT}.erase", self.erase, f"{SLOT}.erase=0.25", 0, 1)
        check_number(f"{SLOT}.mixup", self.mixup, f"{SLOT}.mixup=0.2", 0)

    @classmethod
    def of(cls, said: Any) -> Self:
        """What stands in a config; what it leaves out is never done."""
        names = [own.name for own in fields(cls)]
        known: Mapping[str, Any] = {} if said is None else checked(said, SLOT, names)
        return cls(**{name: known.get(name, 0) for name in names})

    @property
    def on(self) -> bool:
        return any(getattr(self, own.name) for own in fields(self))

    def __call__(
        self, batch: Batch, draw: torch.Generator, pixels: Pixels, reads: Mapping[str, str]
    ) -> Batch:
        """The batch with the pictures of all its inputs changed.

        Args:
            batch: of pictures that are normalised, [B, C, H, W].
            draw: on the host, so that every device draws the same.
            pixels: what they were normalised by.
            reads: ``{task: the input that it reads}``.
        """
        inputs = dict(batch.inputs)
        for name, x in batch.inputs.items():
            assert isinstance(x, Tensor)
            inputs[name] = self.pictures(x, draw, pixels)
        batch = replace(batch, inputs=inputs)
        return mixed(batch, self.mixup, draw, reads) if self.mixup else batch

    def pictures(self, x: Tensor, draw: torch.Generator, pixels: Pixels) -> Tensor:
        """Pictures [B, C, H, W] changed one by one; see `__call__`."""
        x = self.moved(x, draw)
        if self.colour:
            x = Jitter(self.colour, self.colour).pictures(x, draw, pixels)
        return erased(x, self.erase, draw) if self.erase else x

    def moved(self, x: Tensor, draw: torch.Generator) -> Tensor:
        """Pictures that are flipped, moved and turned."""
        if self.flip:
            flip = send(torch.rand(len(x), generator=draw) < self.flip, x.device)
            x = torch.where(flip.view(-1, 1, 1, 1), x.flip(-1), x)
        if self.crop:
            steps = torch.randint(-self.crop, self.crop + 1, (len(x), 2), generator=draw)
            x = shifted(x, send(steps, x.device))
        if self.rotate:
            turns = (2 * torch.rand(len(x), generator=draw) - 1) * math.radians(self.rotate)
            x = turned(x, send(turns, x.device))
        return x


def shifted(x: Tensor, steps: Tensor) -> Tensor:
    """Pictures of which each pixel is the one so many rows and columns after it, [B, 2]; beyond
    the border there is 0."""
    rows, inside_rows = places(x.shape[2], steps[:, 0])
    columns, inside_columns = places(x.shape[3], steps[:, 1])
    x = x.gather(2, rows[:, None, :, None].expand_as(x))
    x = x.gather(3, columns[:, None, None, :].expand_as(x))
    inside = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
    return x * inside


def places(size: int, steps: Tensor) -> tuple[Tensor, Tensor]:
    """The places [B, size] after so many steps, and whether they are there."""
    at = torch.arange(size, device=steps.device) + steps[:, None]
    return at.clamp(0, size - 1), (at >= 0) & (at < size)


def turned(x: Tensor, angles: Tensor) -> Tensor:
    """Pictures turned about their middle by so many radians, [B], bilinearly."""
    ratio = x.shape[2] / x.shape[3]
    cos, sin, none = angles.cos(), angles.sin(), torch.zeros_like(angles)
    top, bottom = [cos, -sin * ratio, none], [sin / ratio, cos, none]
    maps = torch.stack([torch.stack(top, 1), torch.stack(bottom, 1)], 1).to(x.dtype)
    grid = affine_grid(maps, list(x.shape), align_corners=False)
    return grid_sample(x, grid, align_corners=False)


def erased(x: Tensor, share: float, draw: torch.Generator) -> Tensor:
    """Pictures of which some have a part that is 0."""
    chance = torch.rand(len(x), 5, generator=draw)
    height, width = x.shape[2:]
    area = (AREAS[0] + (AREAS[1] - AREAS[0]) * chance[:, 1]) * height * width
    low, high = map(math.log, SIDES)
    side = (low + (high - low) * chance[:, 2]).exp()
    size = torch.stack([(area * side).sqrt(), (area / side).sqrt()], 1).round()  # [B, 2]
    whole = torch.tensor([height, width])
    size = size.minimum(whole).long()
    corner = (chance[:, 3:] * (whole - size + 1)).long()
    size = size * (chance[:, :1] < share)
    first, last = send(corner, x.device), send(corner + size, x.device)
    row = torch.arange(height, device=x.device)
    column = torch.arange(width, device=x.device)
    rows = (row >= first[:, :1]) & (row < last[:, :1])
    columns = (column >= first[:, 1:]) & (column < last[:, 1:])
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)
