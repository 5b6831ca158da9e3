"""A batch: what one training step reads, by the names of inputs and tasks."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Bag:
    """Rows of a sparse matrix: for each example, which words it has and how much of each.

    Args:
        indices: the words of all examples, one after the other, [N].
        offsets: where each example starts in ``indices``, and the end, [B + 1].
        weights: the count (or tf-idf) of each word, [N].
    """

    indices: Tensor
    offsets: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def to(self, device: torch.device | str) -> Bag:
        return Bag(self.indices.to(device), self.offsets.to(device), self.weights.to(device))

    def __getitem__(self, positions: Tensor | slice) -> Bag:
        """The examples at ``positions``, in that order."""
        if isinstance(positions, slice):
            first, last, step = positions.indices(len(self))
            if step == 1 and self.offsets.device.type == "cpu":  # views: nothing is copied
                bounds = self.offsets[first : max(first, last) + 1]
                words = slice(int(bounds[0]), int(bounds[-1]))
                return Bag(self.indices[words], bounds - bounds[0], self.weights[words])
            positions = torch.arange(first, last, step, device=self.offsets.device)
        starts = self.offsets[positions]
        lengths = self.offsets[positions + 1] - starts
        offsets = torch.zeros(len(positions) + 1, dtype=lengths.dtype, device=lengths.device)
        torch.cumsum(lengths, 0, out=offsets[1:])
        shift = torch.repeat_interleave(starts - offsets[:-1], lengths)
        places = torch.arange(len(shift), device=shift.device) + shift
        return Bag(self.indices[places], offsets, self.weights[places])


Examples = Tensor | Bag


@dataclass(frozen=True)
class Batch:
    """The examples of one step.

    Args:
        inputs: ``{input name: [B, ...]}``; only the inputs that this step draws.
        targets: ``{task: [B, ...]}``; only the tasks whose input is present.
        complete: tasks known to miss no label here; the others are searched for missing ones,
            which costs a device synchronisation a step.
        weights: ``{task: [B]}``, how much each example counts in its loss; the others count 1.
    """

    inputs: dict[str, Examples]
    targets: dict[str, Tensor]
    complete: frozenset[str] = frozenset()
    weights: dict[str, Tensor] = field(default_factory=dict)
