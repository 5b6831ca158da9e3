"""One example without content: what is trained is a point in the plane, on two known functions.

The functions are in ``loss/toy.py``. With the encoder ``embedding`` the point is the vector of the
only word, and ``encoder.initial`` is where it starts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.inputs import BagOfWords
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows


class Toy(InMemoryDataset):
    """The one example is the word 0, and every step sees it; there is no other split."""

    shared: ClassVar[Mapping[str, type]] = MappingProxyType({})  # there is one example

    def __init__(self) -> None:
        bag = Bag(torch.tensor([0]), torch.tensor([0, 1]), torch.ones(1))
        super().__init__(
            splits={"train": Rows({"x": bag}, {"first": torch.zeros(1), "second": torch.zeros(1)})},
            inputs={"x": BagOfWords(1)},
            tasks={"first": "x", "second": "x"},
            source="generated",
            batching=Batching(None, 1, False, False),
        )
