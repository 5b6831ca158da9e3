"""The reference for MTAN: one attention a task and a stage, task after task."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class LoopMTAN(nn.Module):
    """Every task masks the encoder's features after every stage.

    Args:
        encoder: shared by all tasks.
        arch: our MTAN, whose weights are taken over.
        heads: of the tasks.
    """

    def __init__(self, encoder: Any, arch: Any, heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages, self.heads = encoder.stages, nn.ModuleList(heads)
        self.refiners = nn.ModuleList(copy.deepcopy(refiner) for (refiner,) in arch.refiners)
        self.attentions = nn.ModuleList()  # by stage, then by task
        for shape, own in zip(encoder.shapes, arch.attentions, strict=True):
            (stacked,) = own.values()
            tasks = range(len(heads))
            self.attentions.append(nn.ModuleList(attention(stacked, k, len(shape)) for k in tasks))

    def forward(self, x: Tensor) -> list[Tensor]:
        *_, paths = self.attended(x)
        return [head(path) for head, path in zip(self.heads, paths, strict=True)]

    def attended(self, x: Tensor) -> Iterator[list[Tensor]]:
        """Each task's masked features, stage by stage."""
        paths: list[Tensor] = []
        for s, stage in enumerate(self.stages):
            x = stage(x)
            reads = [x] * len(self.heads)
            if s > 0:
                reads = [torch.cat([x, self.refiners[s - 1](path)], 1) for path in paths]
            attentions: Any = self.attentions[s]
            paths = [attend(read) * x for attend, read in zip(attentions, reads, strict=True)]
            yield paths


def attention(stacked: Any, task: int, dims: int) -> nn.Module:
    """A task's own, with 1x1 convolutions where it reads maps."""
    parts = [stacked.of_shared, stacked.of_refined]
    weights = [part.weight[task] for part in parts if part is not None]
    first = channel_map(torch.cat(weights, 1), stacked.of_shared.bias[task], dims)
    last = channel_map(stacked.out.weight[task], stacked.out.bias[task], dims)
    return nn.Sequential(first, nn.ReLU(inplace=True), last, nn.Sigmoid())


def channel_map(weight: Tensor, bias: Tensor, dims: int) -> nn.Module:
    outputs, inputs = weight.shape
    made = nn.Conv2d(inputs, outputs, 1) if dims == 3 else nn.Linear(inputs, outputs)
    made.weight.data.copy_(weight.detach().view_as(made.weight))
    made.bias.data.copy_(bias.detach())  # type: ignore[union-attr]
    return made
