"""The reference for CGC and PLE: one module an expert, a gate and a head, in loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from bench.loops import gate, layer, mix, take


class LoopLevel(nn.Module):
    """One level of PLE: experts of all, of each task, and gates.

    Args:
        shared: experts of all tasks.
        own: experts of each task, one task after the other.
        inputs: how many numbers a gate reads.
        tasks: K.
        is_last: whether it has no gate for the shared path.
        make_gate: makes a gate, for what it reads and the experts that it weighs.
    """

    def __init__(
        self,
        shared: Sequence[nn.Module],
        own: Sequence[nn.Module],
        inputs: int,
        tasks: int,
        is_last: bool,
        make_gate: Callable[[int, int], nn.Module] = gate,
    ) -> None:
        super().__init__()
        count = len(own) // tasks
        self.shared = nn.ModuleList(shared)
        self.own = nn.ModuleList(own)
        self.gates = nn.ModuleList(make_gate(inputs, count + len(shared)) for _ in range(tasks))
        self.gate = None if is_last else make_gate(inputs, len(shared) + len(own))

    def forward(self, shared: Tensor, paths: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        common = [expert(shared) for expert in self.shared]
        count = len(self.own) // len(paths)
        own = [expert(paths[i // count]) for i, expert in enumerate(self.own)]
        paths = [
            mix(gate(path).softmax(-1), own[k * count : (k + 1) * count] + common)
            for k, (gate, path) in enumerate(zip(self.gates, paths, strict=True))
        ]
        if self.gate is not None:
            shared = mix(self.gate(shared).softmax(-1), common + own)
        return shared, paths

    def take_gates(self, level: Any) -> None:
        (part,) = level.tasks
        take(self.gates, part.gates)
        if self.gate is not None:
            take([self.gate], level.gate)

    def take_weights(self, level: Any) -> None:
        """Those of our level."""
        (part,) = level.tasks
        take(self.shared, level.shared)
        take(self.own, part.experts)
        self.take_gates(level)


class LoopPLE(nn.Module):
    """CGC with one level, PLE with several."""

    def __init__(self, levels: Iterable[LoopLevel], heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.levels, self.heads = nn.ModuleList(levels), nn.ModuleList(heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        shared, paths = x, [x] * len(self.heads)
        for level in self.levels:
            shared, paths = level(shared, paths)
        return [head(path) for head, path in zip(self.heads, paths, strict=True)]

    def take_weights(self, arch: Any) -> None:
        """Those of our CGC or PLE."""
        ours = arch.levels if hasattr(arch, "levels") else [arch.level]
        for loop, level in zip(self.levels, ours, strict=True):
            assert isinstance(loop, LoopLevel)
            loop.take_weights(level)


def layered_ple(
    inputs: int, widths: Sequence[int], shared: int, own: int, heads: Sequence[nn.Module]
) -> LoopPLE:
    """A level of experts of one layer for each width."""
    levels = []
    for i, (before, width) in enumerate(pairwise([inputs, *widths]), 1):
        experts = [layer(before, width) for _ in range(shared + own * len(heads))]
        parts = (experts[:shared], experts[shared:])
        levels.append(LoopLevel(*parts, before, len(heads), is_last=i == len(widths)))
    return LoopPLE(levels, heads)
