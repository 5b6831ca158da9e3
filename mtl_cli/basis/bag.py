"""Rows of a sparse matrix: the words of texts, or the values of lists, without padding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mtl_cli.basis.device import send


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

    @cached_property
    def bounds(self) -> Tensor:
        """The offsets in the host's memory, where the size of a part is known without waiting."""
        return self.offsets.cpu()

    @cached_property
    def longest(self) -> int:
        """How many words the example has that has most; at least 1."""
        return max(1, int(self.bounds.diff().max()))

    @classmethod
    def of_rows(cls, indices: Tensor, weights: Tensor) -> Bag:
        """Examples of one width, [B, L] both, in which what counts 0 is padding."""
        size, length = indices.shape
        ends = torch.arange(0, size * length + 1, length, device=indices.device)
        bag = cls(indices.flatten(), ends, weights.flatten())
        vars(bag)["longest"] = length
        return bag

    def known(self, bounds: Tensor) -> Bag:
        """The same, with its `bounds`."""
        vars(self)["bounds"] = bounds
        return self

    def to(self, device: torch.device | str) -> Bag:
        there = torch.device(device)
        moved = (send(x, there) for x in (self.indices, self.offsets, self.weights))
        return self if self.offsets.device == there else Bag(*moved).known(self.bounds)

    def __getitem__(self, positions: Tensor | slice) -> Bag:
        """The examples at ``positions``, in that order; these lie best in the host's memory."""
        if isinstance(positions, slice):
            first, last, step = positions.indices(len(self))
            if step == 1:  # views: nothing is copied
                part = slice(first, max(first, last) + 1)
                bounds = self.bounds[part]
                start, end = int(bounds[0]), int(bounds[-1])
                words = slice(start, end)
                offsets = self.offsets[part] - start
                return Bag(self.indices[words], offsets, self.weights[words]).known(bounds - start)
            positions = torch.arange(first, last, step)
        here = positions.cpu()
        starts = self.bounds[here]
        lengths = self.bounds[here + 1] - starts
        bounds = torch.zeros(len(here) + 1, dtype=lengths.dtype)
        torch.cumsum(lengths, 0, out=bounds[1:])
        size, device = int(bounds[-1]), self.offsets.device
        shift, lengths, offsets = (send(x, device) for x in (starts - bounds[:-1], lengths, bounds))
        shift = torch.repeat_interleave(shift, lengths, output_size=size)
        places = torch.arange(size, device=device) + shift
        return Bag(self.indices[places], offsets, self.weights[places]).known(bounds)
