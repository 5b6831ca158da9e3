"""Rows of a table as the model reads them: numbers, codes and lists."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.inputs import Row
from mtl_cli.exported.entry import BATCH, Entry, Given
from mtl_cli.exported.words import Words


class Rows(Entry):
    """Rows of a table as the model reads them.

    Args:
        spec: of the rows.
        prefix: of the names of its tensors.
    """

    def __init__(self, spec: Row, prefix: str) -> None:
        numbers, codes = spec.numbers, len(spec.categories)
        self.names = (f"{prefix}numbers", f"{prefix}codes")
        tensors = []
        if numbers:
            shape, said = (BATCH, numbers), "numbers, standardised as in training"
            tensors.append(Given(self.names[0], shape, torch.float32, said, [0.0] * numbers))
        if codes:
            shape, said = (BATCH, codes), "codes of categories, 0: none that is known"
            tensors.append(Given(self.names[1], shape, torch.int64, said, [0] * codes))
        lists = [
            Words(f"{prefix}list_{i}", "codes of a list, 0: none that is known", True)
            for i in range(len(spec.lists))
        ]
        super().__init__([*tensors, *(own for entry in lists for own in entry.tensors)])
        self.lists = nn.ModuleList(lists)

    def forward(self, given: Mapping[str, Tensor]) -> Fields:
        numbers, codes = (given.get(name) for name in self.names)
        return fields(numbers, codes, tuple(entry(given) for entry in self.lists))

    def of(self, x: Fields) -> dict[str, Tensor]:
        found = dict(zip(self.names, (x.numbers, x.codes.long()), strict=True))
        for entry, own in zip(self.lists, x.lists, strict=True):
            found |= entry.of(own)  # type: ignore[operator]
        return {own.name: found[own.name] for own in self.tensors}


def fields(numbers: Tensor | None, codes: Tensor | None, lists: tuple[Bag, ...]) -> Fields:
    """Rows of a table, of which some kinds may lack."""
    if numbers is None and codes is None:
        size, device = lists[0].offsets.shape[0] - 1, lists[0].offsets.device
        numbers = torch.zeros(size, 0, device=device)
    like = codes if numbers is None else numbers
    assert like is not None
    numbers = (
        like.new_zeros((like.shape[0], 0), dtype=torch.float32) if numbers is None else numbers
    )
    codes = like.new_zeros((like.shape[0], 0), dtype=torch.int64) if codes is None else codes
    return Fields(numbers, codes, lists)
