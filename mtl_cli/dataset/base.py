"""What every dataset promises: its inputs, its tasks' labels, and a loader for each split."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from mtl_cli.batch import Batch, Examples
from mtl_cli.errors import check_boolean, check_integer, problem
from mtl_cli.inputs import InputSpec

SPLITS = ("train", "val", "test")
CHUNK_BYTES = 4 * 2**20  # rows are gathered for as many batches at once as fit in this


class Loader(Protocol):
    """The batches of one split. Which examples a batch holds depends on the epoch alone, so
    training can go on from the middle of an epoch."""

    num_examples: int  # that an epoch draws

    def __len__(self) -> int:
        """How many batches an epoch has."""

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch (from 1), beginning with number ``start`` (from 0)."""


class Dataset(ABC):
    """A source of examples.

    Attributes:
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``, unless a user says another one.
        source: where the examples are from, in a word: part of a run's identity.
        notice: what a user should know of the source before trusting a result, or None.
    """

    inputs: dict[str, InputSpec]
    tasks: dict[str, str]
    source: str
    notice: str | None = None

    @property
    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """``{split: number of examples}``, only the splits that are there."""

    @abstractmethod
    def targets(self, split: str) -> dict[str, Tensor]:
        """``{task: all labels of the split}``."""

    @abstractmethod
    def loader(
        self, split: str, tasks: Mapping[str, str], device: torch.device, seed: int
    ) -> Loader:
        """The batches of a split, for ``{task: the input that it reads}``, on ``device``."""


@dataclass(frozen=True)
class Table:
    """Examples in memory: the rows of all inputs and targets, in the same order."""

    inputs: dict[str, Examples]
    targets: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


class InMemoryDataset(Dataset):
    """A dataset whose splits are tables in memory.

    Args:
        splits: ``{split: table}``; a split without rows is left out.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        source: where the examples are from.
        batch_size: examples a training step; None: all at once.
        eval_batch_size: examples a batch of val and test.
        shuffle: whether the train split is drawn in a new order every epoch.
        drop_last: whether an incomplete last train batch is left out.
    """

    def __init__(
        self,
        splits: Mapping[str, Table],
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        source: str,
        batch_size: int | None,
        eval_batch_size: int,
        shuffle: bool,
        drop_last: bool,
    ) -> None:
        if batch_size is not None:
            check_integer("dataset.batch_size", batch_size, 1, "dataset.batch_size=128")
        check_integer("dataset.eval_batch_size", eval_batch_size, 1, "dataset.eval_batch_size=1000")
        check_boolean("dataset.shuffle", shuffle)
        check_boolean("dataset.drop_last", drop_last)
        self.splits = {split: table for split, table in splits.items() if len(table)}
        self.inputs = dict(inputs)
        self.tasks = dict(tasks)
        self.source = source
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        num_train = len(self.splits["train"]) if "train" in self.splits else 0
        if num_train < (batch_size if batch_size is not None and drop_last else 1):
            rule = "must leave at least one whole batch of train examples"
            raise problem(
                "dataset", rule, f"{num_train} train examples", "a smaller dataset.batch_size"
            )

    @property
    def sizes(self) -> dict[str, int]:
        return {split: len(table) for split, table in self.splits.items()}

    def targets(self, split: str) -> dict[str, Tensor]:
        return self.splits[split].targets

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        """What happens to gathered rows before they are a batch: bytes become floats, say."""
        return inputs

    def loader(
        self, split: str, tasks: Mapping[str, str], device: torch.device, seed: int
    ) -> TableLoader:
        table = self.splits[split]
        read = set(tasks.values())
        rows = Table(
            {name: x.to(device) for name, x in table.inputs.items() if name in read},
            {task: y.to(device) for task, y in table.targets.items() if task in tasks},
        )
        train = split == "train"
        size = (self.batch_size or len(table)) if train else self.eval_batch_size
        drop_last, shuffle = train and self.drop_last, train and self.shuffle
        return TableLoader(self, rows, size, drop_last, seed if shuffle else None)


@dataclass
class TableLoader:
    """Batches of a table that lies on the training device.

    Args:
        dataset: prepares the rows.
        table: the rows.
        batch_size: examples a batch.
        drop_last: whether an incomplete last batch is left out.
        seed: with the epoch, says the order; None: the order of the rows.
    """

    dataset: InMemoryDataset
    table: Table
    batch_size: int
    drop_last: bool
    seed: int | None
    num_examples: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_examples = len(self) * self.batch_size if self.drop_last else len(self.table)
        self.complete = frozenset(t for t, y in self.table.targets.items() if not has_missing(y))

    def __len__(self) -> int:
        whole = len(self.table) / self.batch_size
        return math.floor(whole) if self.drop_last else math.ceil(whole)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        order = None
        if self.seed is not None:
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            device = next(iter(self.table.targets.values())).device
            order = torch.randperm(len(self.table), generator=generator).to(device)
        at_once = self._batches_at_once()
        for first in range(start, len(self), at_once):
            last = min(first + at_once, len(self))
            rows = slice(first * self.batch_size, last * self.batch_size)
            chunk = self._gather(rows if order is None else order[rows])
            for i in range(last - first):
                part = slice(i * self.batch_size, (i + 1) * self.batch_size)
                yield Batch(
                    {name: x[part] for name, x in chunk.inputs.items()},
                    {task: y[part] for task, y in chunk.targets.items()},
                    self.complete,
                )

    def _batches_at_once(self) -> int:
        tensors = [x for x in self.table.inputs.values() if isinstance(x, Tensor)]
        row_bytes = sum(4 * x[0].numel() for x in tensors)
        return max(1, CHUNK_BYTES // (self.batch_size * max(1, row_bytes)))

    def _gather(self, rows: Tensor | slice) -> Table:
        inputs = {name: take(x, rows) for name, x in self.table.inputs.items()}
        targets = {task: y[rows] for task, y in self.table.targets.items()}
        return Table(self.dataset.prepare(inputs), targets)


def take(x: Examples, rows: Tensor | slice) -> Examples:
    """The examples at ``rows``; of a tensor by whole rows, which is faster than by elements."""
    if isinstance(x, Tensor) and isinstance(rows, Tensor):
        return x.index_select(0, rows)
    return x[rows]


def has_missing(target: Tensor) -> bool:
    """Whether some label is missing: NaN in a float target, -1 in a class target."""
    missing = target.isnan() if target.is_floating_point() else target == -1
    return bool(missing.any())
