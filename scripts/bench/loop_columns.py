"""The references for columns of an encoder side by side: one module a column, task after task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

Columns = Sequence[Any]  # encoders, which have stages
Heads = Sequence[nn.Module]


class LoopColumns(nn.Module):
    """Hard sharing with one column, single-task learning with one for each task."""

    def __init__(self, columns: Columns, heads: Heads) -> None:
        super().__init__()
        self.columns, self.heads = nn.ModuleList(columns), nn.ModuleList(heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [column(x) for column in self.columns]
        features *= len(self.heads) // len(self.columns)
        return [head(f) for head, f in zip(self.heads, features, strict=True)]


class LoopCrossStitch(nn.Module):
    """A column for each task; after every stage, each reads a mix of all, channel by channel."""

    def __init__(self, columns: Columns, alphas: Sequence[Tensor], heads: Heads) -> None:
        super().__init__()
        self.stages = by_stage(columns)
        self.alphas = nn.ParameterList(alpha.detach().clone() for alpha in alphas)  # [K, K, C]
        self.heads = nn.ModuleList(heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        paths = [x] * len(self.heads)
        for stage, alpha in zip(self.stages, self.alphas, strict=True):
            columns: Any = stage
            done = [column(path) for column, path in zip(columns, paths, strict=True)]
            shape = (-1, *[1] * (done[0].dim() - 2))
            paths = [
                sum(a.view(shape) * d for a, d in zip(row, done, strict=True)) for row in alpha
            ]
        return [head(path) for head, path in zip(self.heads, paths, strict=True)]


class LoopLTB(nn.Module):
    """Each column, and at the end each head, draws for every example the column that it reads."""

    def __init__(
        self, columns: Columns, thetas: Sequence[Tensor], temperature: float, heads: Heads
    ) -> None:
        super().__init__()
        self.stages = by_stage(columns)
        self.thetas = nn.ParameterList(theta.detach().clone() for theta in thetas)  # [N, C]
        self.temperature = temperature
        self.heads = nn.ModuleList(heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        paths = [x] * len(self.thetas[0])
        for stage, theta in zip(self.stages, self.thetas, strict=True):
            columns: Any = stage
            done = [column(path) for column, path in zip(columns, paths, strict=True)]
            logits = theta.unsqueeze(1).expand(-1, len(x), -1).contiguous()
            drawn = nn.functional.gumbel_softmax(logits, self.temperature, hard=True)  # [N, B, C]
            shape = (-1, *[1] * (done[0].dim() - 1))
            paths = [
                sum(d.view(shape) * h for d, h in zip(row.T, done, strict=True)) for row in drawn
            ]
        return [head(path) for head, path in zip(self.heads, paths, strict=True)]


def by_stage(columns: Columns) -> nn.ModuleList:
    """The columns' modules, stage after stage."""
    stages = zip(*(column.stages for column in columns), strict=True)
    return nn.ModuleList(nn.ModuleList(stage) for stage in stages)
