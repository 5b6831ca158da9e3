"""The references: mixtures of experts with one module an expert, a gate and a head, in loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def layer(inputs: int, width: int) -> nn.Module:
    """An expert of one layer."""
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU())


def gate(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


def mix(weights: Tensor, features: Sequence[Tensor]) -> Tensor:
    """[B, E] and E times [B, *shape] to [B, *shape]."""
    stacked = torch.stack(tuple(features), 1)  # [B, E, *shape]
    mixed = torch.bmm(weights.unsqueeze(1), stacked.flatten(2)).squeeze(1)
    return mixed.view_as(features[0])


class LoopMMoE(nn.Module):
    """Every task weighs all experts.

    Args:
        experts: their modules.
        inputs: how many numbers a gate reads.
        heads: of the tasks.
    """

    def __init__(
        self, experts: Iterable[nn.Module], inputs: int, heads: Iterable[nn.Module]
    ) -> None:
        super().__init__()
        self.experts, self.heads = nn.ModuleList(experts), nn.ModuleList(heads)
        self.gates = nn.ModuleList(gate(inputs, len(self.experts)) for _ in self.heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = torch.stack([expert(x) for expert in self.experts], 1)  # [B, E, F]
        outputs = []
        for gate, head in zip(self.gates, self.heads, strict=True):
            weights = gate(x).softmax(-1).unsqueeze(1)  # [B, 1, E]
            outputs.append(head(torch.bmm(weights, features).squeeze(1)))
        return outputs

    def take_gates(self, arch: Any) -> None:
        take(self.gates, arch.gates)

    def take_weights(self, arch: Any) -> None:
        """Those of our MMoE."""
        take(self.experts, arch.experts)
        self.take_gates(arch)


class LoopDSelectK(nn.Module):
    """Every task weighs all experts by k selectors; the bits of an expert's number are its code."""

    def __init__(
        self,
        experts: Iterable[nn.Module],
        inputs: int,
        heads: Iterable[nn.Module],
        nonzeros: int,
        static: bool,
    ) -> None:
        super().__init__()
        self.experts, self.heads = nn.ModuleList(experts), nn.ModuleList(heads)
        bits = (len(self.experts) - 1).bit_length()
        codes = torch.arange(len(self.experts))[:, None] >> torch.arange(bits) & 1
        self.codes = codes.bool()  # [E, bits]
        self.shape = (nonzeros, 1, bits)

        def logits(size: int) -> nn.ModuleList:
            return nn.ModuleList(
                Constant(size) if static else gate(inputs, size) for _ in self.heads
            )

        self.z, self.w = logits(nonzeros * bits), logits(nonzeros)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = torch.stack([expert(x) for expert in self.experts], 1)  # [B, E, F]
        outputs, self.entropy = [], torch.zeros(())
        for make_z, make_w, head in zip(self.z, self.w, self.heads, strict=True):
            z = make_z(x).unflatten(-1, self.shape)  # [B, k, 1, bits]
            cubic = -2 * z**3 + 1.5 * z + 0.5
            step = torch.where(z <= -0.5, 0.0, torch.where(z >= 0.5, 1.0, cubic))
            r = torch.where(self.codes, step, 1 - step).prod(-1)  # [B, k, E]
            weights = (make_w(x).softmax(-1).unsqueeze(-1) * r).sum(-2)  # [B, E]
            self.entropy = self.entropy - (r * (r + 1e-6).log()).sum(-1).sum(-1).mean()
            weights = weights.expand(len(x), -1).unsqueeze(1)
            outputs.append(head(torch.bmm(weights, features).squeeze(1)))
        return outputs

    def extra_loss(self) -> Tensor:
        return 0.01 * self.entropy

    def take_gates(self, arch: Any) -> None:
        take(self.z, arch.gates.z)
        take(self.w, arch.gates.w)

    def take_weights(self, arch: Any) -> None:
        """Those of our DSelect-k."""
        take(self.experts, arch.experts)
        self.take_gates(arch)


class Constant(nn.Module):
    """The same logits for all examples, [1, n]."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        return self.value[None]


def take(modules: Sequence[nn.Module] | nn.ModuleList, stacked: nn.Module | Tensor) -> None:
    """Gives modules that are alike the slices of parameters that hold all of theirs."""
    sources = [stacked] if isinstance(stacked, Tensor) else list(stacked.parameters())
    for i, module in enumerate(modules):
        for own, source in zip(module.parameters(), sources, strict=True):
            own.data.copy_(source[i].reshape(own.shape))
