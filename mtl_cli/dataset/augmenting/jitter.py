"""Colour jitter: how bright a train picture is and how much contrast it has, by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import send
from mtl_cli.basis.errors import check_number
from mtl_cli.dataset.prepared.pixels import PIXELS, Pixels, as_seen

GREY = (0.299, 0.587, 0.114)  # how much red, green and blue count in brightness (ITU-R BT.601)


@dataclass(frozen=True)
class Jitter:
    """A picture of values x from 0 to 1 becomes ``b x``, then ``m + c (x - m)`` with m its mean
    grey; both are cut to 0 and 1. b and c are drawn evenly around 1, anew for each example.

    Args:
        brightness: how far b may be from 1, from 0 to 1.
        contrast: how far c may be.
    """

    brightness: float
    contrast: float

    def __post_init__(self) -> None:
        check_number("dataset.brightness", self.brightness, "dataset.brightness=0.2", 0, 1)
        check_number("dataset.contrast", self.contrast, "dataset.contrast=0.2", 0, 1)

    @property
    def on(self) -> bool:
        return self.brightness > 0 or self.contrast > 0

    def __call__(
        self, batch: Batch, image: str, draw: torch.Generator, pixels: Pixels = PIXELS
    ) -> Batch:
        """The batch with its pictures changed.

        Args:
            batch: prepared.
            image: the name of the input that is a picture, [B, 3, H, W], or [B, 1, H, W].
            draw: on the host, so that every device draws the same.
            pixels: what it was normalised by.
        """
        x = batch.inputs[image]
        assert isinstance(x, torch.Tensor)
        return replace(batch, inputs=batch.inputs | {image: self.pictures(x, draw, pixels)})

    def pictures(
        self, x: torch.Tensor, draw: torch.Generator, pixels: Pixels = PIXELS
    ) -> torch.Tensor:
        """Pictures that are changed, [B, 1 or 3, H, W]."""
        far = torch.tensor([self.brightness, self.contrast])
        factors = 1 + far * (2 * torch.rand(len(x), 2, generator=draw) - 1)
        bright, contrast = send(factors, x.device).view(len(x), 2, 1, 1, 1).unbind(1)
        x = (as_seen(x, pixels) * bright).clamp(0, 1)
        grey = x.new_tensor(GREY if x.shape[1] > 1 else [1.0]).view(-1, 1, 1)
        mean = (x * grey).sum(1, keepdim=True).mean((2, 3), keepdim=True)
        x = (mean + contrast * (x - mean)).clamp(0, 1)
        return (x - pixels[0]) / pixels[1]
