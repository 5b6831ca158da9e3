"""The stages of a network of timm: modules in a row, on features with their channels first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mtl_cli.basis.layered import Layered


@dataclass(frozen=True)
class Piece:
    """A stage of a network as the network has it.

    Attributes:
        modules: each reads what the one before it gives.
        from_last: whether the first one reads its channels last.
        to_first: whether the last one gives them so, which the stage turns.
    """

    modules: list[nn.Module]
    from_last: bool
    to_first: bool


class Stage(Layered):
    """Modules in a row.

    Args:
        piece: of the network.
        above: how many stages come after it.
        checkpointing: whether the backward pass computes it anew.
        frozen: whether it is never trained; then it computes as in evaluation, without drawing
            anything and with the statistics that its batch norms have.
    """

    def __init__(self, piece: Piece, above: int, checkpointing: bool, frozen: bool) -> None:
        super().__init__()
        self.colours: nn.Module = nn.Identity()
        self.layers = nn.ModuleList(piece.modules)
        self.from_last, self.to_first = piece.from_last, piece.to_first
        self.num_above, self.checkpointing, self.frozen = above, checkpointing, frozen
        # What the stage before gave is read by others too, heads of several stages say.
        self.writes_over = bool(getattr(piece.modules[0], "inplace", False))
        if frozen:
            self.requires_grad_(False)

    def above(self) -> Iterator[tuple[nn.Module, int]]:
        yield self, self.num_above

    def train(self, mode: bool = True) -> Stage:
        return super().train(mode and not self.frozen)

    def forward(self, x: Tensor) -> Tensor:
        if self.checkpointing and self.training and torch.is_grad_enabled():
            return checkpoint(self.run, x, use_reentrant=False, context_fn=self.contexts)
        return self.run(x)

    def run(self, x: Tensor) -> Tensor:
        x = self.colours(x.clone() if self.writes_over else x)
        x = x.movedim(1, -1) if self.from_last else x
        for layer in self.layers:
            x = layer(x)
        return x.movedim(-1, 1) if self.to_first else x

    def contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """What it is computed in, the first time and anew: so that its statistics count once."""
        return nullcontext(), without_statistics(self)


@contextmanager
def without_statistics(layer: nn.Module) -> Iterator[None]:
    """While the block lasts, batch norms in training read their batch and remember nothing."""
    norms: list[Any] = [own for own in layer.modules() if isinstance(own, _BatchNorm)]
    before = [(own.momentum, own.num_batches_tracked) for own in norms]
    for own in norms:
        own.momentum, own.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for own, (momentum, count) in zip(norms, before, strict=True):
            own.momentum, own.num_batches_tracked = momentum, count


class Colours(nn.Module):
    """Colours normalised by a dataset's statistics, as those that the weights were trained with.

    A dataset gives ``z = (v - mean) / deviation`` of values v from 0 to 1; weights read
    ``(v - m) / s``, which is ``z deviation / s + (mean - m) / s``. Both are in the checkpoint.

    Args:
        pixels: the dataset's mean and deviation.
        known: (m, s) of each channel.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, pixels: tuple[float, float], known: Sequence[tuple[float, float]]) -> None:
        super().__init__()
        mean, deviation = pixels
        scale = [deviation / s for _, s in known]
        shift = [(mean - m) / s for m, s in known]
        self.register_buffer("scale", torch.tensor(scale)[:, None, None])
        self.register_buffer("shift", torch.tensor(shift)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift
