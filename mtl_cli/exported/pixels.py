"""Pictures, of which a program is given the bytes of their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtl_cli.dataset.files.picture_files import IN_PILLOW
from mtl_cli.dataset.prepared.pixels import as_seen, normalised
from mtl_cli.exported.entry import BATCH, Entry, Given


class Pixels(Entry):
    """Bytes [C, H, W], of the size that the model reads.

    Args:
        name: of the tensor.
        shape: C, H and W.
        pixels: mean and deviation that they are normalised by.
        fit: how pictures of another size are brought to this one: ``resize``, or ``crop``.
    """

    outside = "pictures are brought to the model's size, and their colours to its channels"

    def __init__(
        self, name: str, shape: Sequence[int], pixels: tuple[float, float], fit: str
    ) -> None:
        colours = "red, green, blue" if shape[0] == 3 else "grey"
        meaning = f"pixels from 0 to 255, {colours}: channels, height, width"
        super().__init__([Given(name, (BATCH, *shape), torch.uint8, meaning, 128)])
        self.pixels = pixels
        self.fit = fit

    def forward(self, given: Mapping[str, Tensor]) -> Tensor:
        return normalised(given[self.tensors[0].name], self.pixels)

    def of(self, x: Tensor) -> dict[str, Tensor]:
        seen = as_seen(x.double(), self.pixels)
        return {self.tensors[0].name: (255 * seen).round().to(torch.uint8)}

    def said(self) -> dict[str, Any]:
        return {"pictures": {"fit": self.fit, "how": IN_PILLOW[self.fit]}}
