"""One word out of four, and a number for each of two tasks: gradients that can be done by hand."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.basis.inputs import BagOfWords
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows

NUM_WORDS = 4


class EmbeddingNotebook(InMemoryDataset):
    """The example ``x = word`` with the targets ``first`` and ``second``; there is no other split.

    Args:
        word: from 0 to 3.
        first: the target of the first task.
        second: the target of the second task.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType({})  # there is one example

    def __init__(self, word: int, first: float, second: float) -> None:
        check_integer("dataset.word", word, 0, "dataset.word=3")
        check_number("dataset.word", word, "dataset.word=3", 0, NUM_WORDS - 1)
        check_number("dataset.first", first, "dataset.first=10")
        check_number("dataset.second", second, "dataset.second=5")
        bag = Bag(torch.tensor([word]), torch.tensor([0, 1]), torch.ones(1))
        targets = {"first": torch.tensor([float(first)]), "second": torch.tensor([float(second)])}
        super().__init__(
            splits={"train": Rows({"x": bag}, targets)},
            inputs={"x": BagOfWords(NUM_WORDS)},
            tasks={"first": "x", "second": "x"},
            source="generated",
            batching=Batching(None, 1, False, False),
        )
