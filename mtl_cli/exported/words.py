"""Words, or other codes: a program is given them in rows, with -1 where an example has no more."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.exported.entry import BATCH, Entry, Given

NONE = -1  # a code in the place of none, where an example has fewer than another


class Words(Entry):
    """A bag: codes [L] for each example, -1 for none, and perhaps how much each counts.

    Args:
        name: of the codes.
        meaning: what they are.
        weighted: whether counts are given too; else each counts 1.
        most: L at most; None: of any length.
    """

    def __init__(self, name: str, meaning: str, weighted: bool, most: int | None = None) -> None:
        shape = (BATCH, f"{name} at most")
        tensors = [Given(name, shape, torch.int64, f"{meaning}; {NONE}: none", [1, 2], most)]
        if weighted:
            counts = Given(f"{name}.counts", shape, torch.float32, "how much each counts", [1, 1])
            tensors.append(counts)
        super().__init__(tensors)

    def forward(self, given: Mapping[str, Tensor]) -> Bag:
        codes, *counts = (given[own.name] for own in self.tensors)
        there = codes != NONE
        each = there.float() if not counts else torch.where(there, counts[0], 0.0)
        return Bag.of_rows(codes.clamp(min=0), each)

    def of(self, x: Bag) -> dict[str, Tensor]:
        return dict(zip((own.name for own in self.tensors), rows_of(x), strict=False))


def rows_of(x: Bag) -> tuple[Tensor, Tensor]:
    """The codes of a bag [B, L], -1 where there is none, and how much each counts."""
    sizes = x.bounds.diff()
    there = torch.arange(x.longest) < sizes[:, None]
    codes = torch.full(there.shape, NONE)
    weights = torch.zeros(there.shape)
    codes[there], weights[there] = x.indices.long(), x.weights
    return codes, weights
