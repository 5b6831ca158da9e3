"""Pieces of the stages of torchvision's networks: modules between their own ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def in_pairs(
    features: nn.Sequential, around: Sequence[nn.Module], end: Sequence[nn.Module]
) -> list[nn.Module]:
    """Stages of two modules each, between one before (but of the first) and one after (of the last
    it is ``end``)."""
    before, after = around
    stages: list[nn.Module] = []
    for start in range(0, len(features), 2):
        inner = list(features[start : start + 2])
        last = start + 2 == len(features)
        own = [*([before] if start else []), *inner, *(end if last else [after])]
        stages.append(nn.Sequential(*(m for m in own if not isinstance(m, nn.Identity))))
    return stages


class ChannelsFirst(nn.Module):
    """[B, H, W, C] as [B, C, H, W]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(-1, 1)


class ChannelsLast(nn.Module):
    """[B, C, H, W] as [B, H, W, C]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(1, -1)


class Patches(nn.Module):
    """The class token, then each patch's linear map, with their positions: [B, D, 1 + N]."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net_conv, self.dropout = net.conv_proj, net.encoder.dropout
        self.token, self.positions = net.class_token, net.encoder.pos_embedding

    def forward(self, x: Tensor) -> Tensor:
        patches = self.net_conv(x).flatten(2).transpose(1, 2)  # [B, N, D]
        whole = torch.cat([self.token.expand(x.shape[0], -1, -1), patches], 1)
        return self.dropout(whole + self.positions).transpose(1, 2)


class OnPositions(nn.Module):
    """A layer of vectors [B, N, D], on channels first."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.transpose(1, 2)).transpose(1, 2)


class FirstPosition(nn.Module):
    """The first vector, normalised: [B, D]."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x[:, :, 0])
