"""A batch: what one training step reads, by the names of inputs and tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.device import send


@dataclass(frozen=True)
class Fields:
    """Rows of a table, the kinds of their cells apart.

    Args:
        numbers: [B, N].
        codes: of the cells that hold one category each, as whole numbers [B, C].
        lists: of the cells that hold several, a bag of B for each such column.
    """

    numbers: Tensor
    codes: Tensor
    lists: tuple[Bag, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def to(self, device: torch.device | str) -> Fields:
        there = torch.device(device)
        lists = tuple(own.to(there) for own in self.lists)
        return Fields(send(self.numbers, there), send(self.codes, there), lists)

    def __getitem__(self, part: Tensor | slice) -> Fields:
        lists = tuple(own[part] for own in self.lists)
        return Fields(self.numbers[part], self.codes[part], lists)


@dataclass(frozen=True)
class Joint:
    """Examples that are made of parts: pictures beside rows, say.

    Args:
        parts: ``{part: its examples}``, B of each; where an example lacks a part, anything.
        present: which parts each example has, in their order, [B, P] of booleans.
    """

    parts: dict[str, Any]  # of Examples; as they are kept, also of stored ones
    present: Tensor

    def __len__(self) -> int:
        return len(self.present)

    def to(self, device: torch.device | str) -> Joint:
        there = torch.device(device)
        parts = {name: x.to(there) for name, x in self.parts.items()}
        return Joint(parts, send(self.present, there))

    def __getitem__(self, part: Tensor | slice) -> Joint:
        return Joint({name: x[part] for name, x in self.parts.items()}, self.present[part])


@dataclass(frozen=True)
class Encoded:
    """What the encoder gave of some examples, in their place.

    Args:
        features: [B, *shape], of the encoder's last stage.
    """

    features: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def to(self, device: torch.device | str) -> Encoded:
        return Encoded(send(self.features, torch.device(device)))

    def __getitem__(self, part: Tensor | slice) -> Encoded:
        return Encoded(self.features[part])


Examples = Tensor | Bag | Fields | Joint | Encoded


def num_examples(x: Examples) -> int:
    """B, which is no number yet where the pass is traced for any B."""
    if isinstance(x, Bag):
        return x.offsets.shape[0] - 1
    if isinstance(x, Fields):
        return x.numbers.shape[0]
    if isinstance(x, Joint):
        return x.present.shape[0]
    return (x.features if isinstance(x, Encoded) else x).shape[0]


def matrix(rows: Tensor | Fields) -> Tensor:
    """Numbers and codes side by side, [B, N + C], in the numbers' type."""
    if isinstance(rows, Tensor):
        return rows
    return torch.cat([rows.numbers, rows.codes.to(rows.numbers.dtype)], 1)


@dataclass(frozen=True)
class Batch:
    """The examples of one step.

    Args:
        inputs: ``{input name: [B, ...]}``; only the inputs that this step draws.
        targets: ``{task: [B, ...]}``; only the tasks whose input is present.
        complete: tasks known to miss no label here; the others are searched for missing ones.
        weights: ``{task: [B]}``, how much each example counts in its loss; the others count 1.
        labels: how many labels each task has here, 0 where none of them counts, as far as it is
            known; to find out costs a device synchronisation a step.
        groups: ``{column: [B]}``, the number of each example's group, for metrics within groups.
        padding: how many rows of the inputs count nowhere.
        apart: whether each input has examples of its own; else all are of the same ones.
        labels_a_row: how many labels of a task each row has in ``targets`` and ``weights``, one
            after the other: two, where examples are mixed in pairs.
    """

    inputs: dict[str, Examples]
    targets: dict[str, Tensor]
    complete: frozenset[str] = frozenset()
    weights: dict[str, Tensor] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    groups: dict[str, Tensor] = field(default_factory=dict)
    padding: int = 0
    apart: bool = False
    labels_a_row: int = 1

    @property
    def num_examples(self) -> int:
        """How many examples there are."""
        rows = sum(map(len, self.inputs.values())) - self.padding
        return rows if self.apart else rows // len(self.inputs)


def without_labels(batch: Batch) -> Batch:
    """A batch of one row that counts nowhere."""
    return Batch(batch.inputs, {}, batch.complete, groups=batch.groups, padding=1)
