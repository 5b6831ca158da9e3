"""Augmentation that moves a picture and its maps together: flips, and the enlargement of a part.

S. Liu, E. Johns & A. Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019,
https://arxiv.org/abs/1803.10704, whose published code scales and crops so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import send
from mtl_cli.basis.errors import check_choice, check_number, problem
from mtl_cli.basis.vectors import unit

# How a depth changes where a part is enlarged by s.
POWERS: Mapping[str, int] = MappingProxyType({"keep": 0, "divide": -1, "multiply": 1})
# {task: which kind of map it is}, of tasks that are called as their kinds are.
MOVED: Mapping[str, str] = MappingProxyType(
    {kind: kind for kind in ("segmentation", "depth", "normals", "edges")}
)
THERE = 0.999  # share of a normal's neighbours, by their weights, that must be there


@dataclass(frozen=True)
class Augmentation:
    """What is drawn for each train example anew; off with a flip of 0 and scales of 1 alone.

    For a scale s, a part of ``int(H / s)`` by ``int(W / s)`` pixels is enlarged to H by W: the
    picture and the normals bilinearly with corners aligned, the rest by the nearest pixel. Normals
    are made unit vectors again, and miss where a neighbour misses; the published code does neither.

    Args:
        flip: probability that left and right are exchanged, which negates the normals' x.
        scales: of which each example draws one; at least 1.
        scaled_depth: ``keep``, what a longer lens sees; ``divide`` by the scale, as published: the
            scene comes nearer, which its normals do not fit; ``multiply``: as the inverse of a
            depth would be if the depth is divided.
    """

    flip: float
    scales: Sequence[float]
    scaled_depth: str

    def __post_init__(self) -> None:
        check_number("dataset.flip", self.flip, "dataset.flip=0.5", 0, 1)
        fix = "'dataset.scales=[1.0,1.2,1.5]'"
        if not isinstance(self.scales, list | tuple) or not self.scales:
            raise problem("dataset.scales", "must be a list of scales", self.scales, fix)
        for scale in self.scales:
            check_number("each of dataset.scales", scale, fix, 1, 8)
        known, fix = list(POWERS), "dataset.scaled_depth=keep"
        check_choice("dataset.scaled_depth", self.scaled_depth, known, fix)

    @property
    def on(self) -> bool:
        return self.flip > 0 or self.scaling

    @property
    def scaling(self) -> bool:
        return any(scale > 1 for scale in self.scales)

    def __call__(
        self, batch: Batch, image: str, draw: torch.Generator, kinds: Mapping[str, str] = MOVED
    ) -> Batch:
        """The batch with its picture and maps moved.

        Args:
            batch: of pictures and their labels.
            image: the name of the input that is a picture, [B, 3, H, W].
            draw: on the host, so that every device draws the same.
            kinds: ``{task: segmentation, depth, normals or edges}`` of the targets that are maps.
        """
        picture = batch.inputs[image]
        assert isinstance(picture, Tensor)
        moves = self.drawn(len(picture), (picture.shape[2], picture.shape[3]), draw)
        moves = Moves(*(send(values, picture.device) for values in moves.all()))
        targets = {
            task: self.moved(kinds[task], target, moves) if task in kinds else target
            for task, target in batch.targets.items()
        }
        # A part may have fewer labels than the whole, but has none where the whole has none.
        labels = {
            task: number
            for task, number in batch.labels.items()
            if not self.scaling or task not in kinds or task in batch.complete or number == 0
        }
        inputs = batch.inputs | {image: self.smooth(picture, moves)}
        return replace(batch, inputs=inputs, targets=targets, labels=labels)

    def drawn(self, count: int, size: tuple[int, int], draw: torch.Generator) -> Moves:
        """A flip, a scale and a part for each example."""
        chance = torch.rand(count, 4, generator=draw, dtype=torch.float64)
        scales = torch.tensor(self.scales, dtype=torch.float64)
        scale = scales[(chance[:, 1] * len(scales)).long()]
        whole = torch.tensor(size)
        part = (whole / scale[:, None]).long()
        corner = (chance[:, 2:] * (whole - part + 1)).long()
        return Moves(chance[:, 0] < self.flip, scale.float(), part, corner)

    def moved(self, kind: str, target: Tensor, moves: Moves) -> Tensor:
        """A target after the move."""
        if kind == "normals":
            gone = target.isnan().any(1, keepdim=True)
            with_mask = torch.cat([target.masked_fill(gone, 0), (~gone).to(target.dtype)], 1)
            found = self.smooth(with_mask, moves)
            there = found[:, 3:] > THERE
            turned = unit(found[:, :3]) if self.scaling else found[:, :3]
            sign = 1 - 2 * moves.flip[:, None, None].to(turned.dtype)
            turned = torch.cat([turned[:, :1] * sign[..., None], turned[:, 1:]], 1)
            return turned.masked_fill(~there, torch.nan)
        found = self.nearest(target, moves)
        power = POWERS[self.scaled_depth] if kind == "depth" else 0
        return found * moves.scale[:, None, None, None] ** power if power else found

    def nearest(self, x: Tensor, moves: Moves) -> Tensor:
        """Each pixel's nearest one of the part, of maps [B, H, W] or [B, C, H, W]."""
        if not self.scaling:
            return flipped(x, moves)
        row, column = moves.steps(x.shape[-2:])
        height, width = x.shape[-2:]
        rows = moves.corner[:, :1] + row * moves.part[:, :1] // height  # [B, H]
        columns = moves.corner[:, 1:] + column * moves.part[:, 1:] // width  # [B, W]
        places = rows[:, :, None] * width + columns[:, None, :]  # [B, H, W]
        flat = x.flatten(-2)
        index = places.flatten(1) if x.dim() == 3 else places.flatten(1)[:, None]
        return flat.gather(-1, index.expand_as(flat)).view_as(x)

    def smooth(self, x: Tensor, moves: Moves) -> Tensor:
        """The part enlarged bilinearly, [B, C, H, W]."""
        if not self.scaling:
            return flipped(x, moves)
        row, column = moves.steps(x.shape[-2:])
        height, width = x.shape[-2:]
        y = moves.corner[:, :1] + row * (moves.part[:, :1] - 1) / (height - 1)  # [B, H]
        x_ = moves.corner[:, 1:] + column * (moves.part[:, 1:] - 1) / (width - 1)  # [B, W]
        y, x_ = 2 * y / (height - 1) - 1, 2 * x_ / (width - 1) - 1  # from -1 to 1
        shape = (len(x), height, width)
        grid = torch.stack([x_[:, None, :].expand(shape), y[:, :, None].expand(shape)], 3)
        return grid_sample(x, grid.to(x.dtype), padding_mode="border", align_corners=True)


@dataclass(frozen=True)
class Moves:
    """What was drawn for B examples.

    Args:
        flip: whether left and right are exchanged, [B].
        scale: s, [B].
        part: height and width of the part that is enlarged, in pixels, [B, 2].
        corner: its first row and column, [B, 2].
    """

    flip: Tensor
    scale: Tensor
    part: Tensor
    corner: Tensor

    def all(self) -> tuple[Tensor, ...]:
        return self.flip, self.scale, self.part, self.corner

    def steps(self, size: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The rows [1, H] and columns [B, W] of the part that the moved pixels show, in steps
        of a pixel of the whole."""
        row = torch.arange(size[0], device=self.flip.device)[None]
        column = torch.arange(size[1], device=self.flip.device)[None]
        return row, torch.where(self.flip[:, None], size[1] - 1 - column, column)


def flipped(x: Tensor, moves: Moves) -> Tensor:
    """The examples with left and right exchanged where they are to be."""
    return torch.where(moves.flip.view(-1, *[1] * (x.dim() - 1)), x.flip(-1), x)
