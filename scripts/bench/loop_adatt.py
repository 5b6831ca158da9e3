"""The reference for AdaTT: one module an expert and a gate, unit after unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from bench.loops import take


class LoopAdaTT(nn.Module):
    """At each level every unit weighs all experts by a gate, and its own by learned numbers too.

    Args:
        encoders: an expert is one of these, cut into levels.
        arch: our AdaTT, whose levels and weights are taken over.
        make_gates: makes the gates of a level, for how many experts they weigh.
        heads: of the tasks.
    """

    def __init__(
        self,
        encoders: Sequence[Any],
        arch: Any,
        make_gates: Sequence[Callable[[int], nn.Module]],
        heads: Sequence[nn.Module],
    ) -> None:
        super().__init__()
        self.owners = arch.owners
        self.levels = nn.ModuleList()
        self.gates = nn.ModuleList()
        self.native = nn.ModuleList()
        self.heads = nn.ModuleList(heads)
        for level, fusion, make in zip(arch.levels, arch.fusions, make_gates, strict=True):
            stages = slice(level.start, level.stop)
            self.levels.append(nn.ModuleList(nn.Sequential(*e.stages[stages]) for e in encoders))
            (stacked,) = fusion.gates.choices
            gates = nn.ModuleList(make(len(encoders)) for _ in fusion.own)
            take(gates, stacked)
            self.gates.append(gates)
            sizes = [len(list(own)) for _, own in groupby(self.owners)][: len(gates)]
            parts = fusion.native.detach().split(sizes)
            self.native.append(nn.ParameterList(part.clone() for part in parts))

    def forward(self, x: Tensor) -> list[Tensor]:
        units = [x] * (max(self.owners) + 1)
        for experts, gates, native in zip(self.levels, self.gates, self.native, strict=True):
            parts: Any = (experts, gates, native)
            done = [e(units[owner]) for e, owner in zip(parts[0], self.owners, strict=True)]
            stacked = torch.stack(done, 1)  # [B, E, ...]
            flat, fused = stacked.flatten(2), []
            for unit, (gate, own) in enumerate(zip(*parts[1:], strict=True)):
                weights = gate(units[unit]).softmax(-1)  # [B, E]
                first = self.owners.index(unit)
                own = nn.functional.pad(own, (first, len(done) - first - len(own)))
                fused.append(torch.bmm((weights + own).unsqueeze(1), flat).view_as(done[0]))
            units = fused
        return [head(unit) for head, unit in zip(self.heads, units, strict=True)]
