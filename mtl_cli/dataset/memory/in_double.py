"""Batches in double precision, for ``trainer.precision=64``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Batch, Encoded, Examples, Fields, Joint
from mtl_cli.dataset.base import Loader


@dataclass
class InDouble:
    """The batches of a loader, whose numbers are in double precision.

    Args:
        loader: of batches in any.
    """

    loader: Loader
    num_examples: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_examples = self.loader.num_examples

    def __len__(self) -> int:
        return len(self.loader)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        for batch in self.loader.batches(epoch, start):
            yield replace(
                batch,
                inputs={name: in_double(x) for name, x in batch.inputs.items()},
                targets=doubled(batch.targets),
                weights=doubled(batch.weights),
            )


def in_double(x: Examples) -> Examples:
    """The same examples."""
    if isinstance(x, Bag):
        return Bag(x.indices, x.offsets, x.weights.double()).known(x.bounds)
    if isinstance(x, Fields):
        lists = tuple(
            Bag(own.indices, own.offsets, own.weights.double()).known(own.bounds) for own in x.lists
        )
        return Fields(x.numbers.double(), x.codes, lists)
    if isinstance(x, Joint):
        return Joint({name: in_double(own) for name, own in x.parts.items()}, x.present)
    if isinstance(x, Encoded):
        return Encoded(x.features.double())
    return x.double() if x.is_floating_point() else x


def doubled(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, what is a number in double precision."""
    return {
        name: x.to(torch.float64) if x.is_floating_point() else x for name, x in tensors.items()
    }
