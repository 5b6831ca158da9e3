"""Datasets whose examples lie in memory, on the training device: no Python per example."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch, Examples, without_labels
from mtl_cli.basis.device import place, send
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.seed import generator_of
from mtl_cli.dataset.base import Dataset
from mtl_cli.dataset.memory.batching import Batching, fitted_size
from mtl_cli.dataset.memory.labels import Labels
from mtl_cli.dataset.memory.portions import portions
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.memory.take import row_bytes, take

CHUNK_BYTES = 4 * 2**20  # rows are gathered for as many batches at once as fit in this


class InMemoryDataset(Dataset):
    """A dataset whose splits lie in memory.

    Args:
        splits: ``{split: its rows}``; a split without any is left out.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        source: where the examples are from.
        batching: how its examples are put into batches.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType({"batching": Batching})

    def __init__(
        self,
        splits: Mapping[str, Rows],
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        source: str,
        batching: Batching,
    ) -> None:
        self.splits = {split: rows for split, rows in splits.items() if len(rows)}
        self.inputs = dict(inputs)
        self.tasks = dict(tasks)
        self.source = source
        self.batching = batching
        num_train = len(self.splits["train"]) if "train" in self.splits else 0
        self.batch_size = fitted_size(batching.batch_size, num_train, "dataset.batch_size")
        if num_train < (self.batch_size if batching.drop_last else 1) or not num_train:
            rule = "must leave at least one whole batch of train examples"
            found = f"{num_train} train examples, and batches of {self.batch_size}"
            fix = f"dataset.batch_size={num_train}" if num_train else "another dataset.split"
            raise problem("dataset", rule, found, fix)

    @property
    def sizes(self) -> dict[str, int]:
        return {split: len(rows) for split, rows in self.splits.items()}

    def content(self) -> Mapping[str, Any]:
        return self.splits

    def targets(self, split: str) -> dict[str, Tensor]:
        return self.prepare_targets(self.splits[split].targets)

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        """What happens to gathered rows before they are a batch: bytes become floats, say."""
        return inputs

    def prepare_targets(self, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same for targets: what is kept in few bytes becomes what tasks read."""
        return targets

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        """A train batch changed by chance, inputs and targets together, on their device.

        Called where `augments`.

        Args:
            batch: prepared.
            draw: a generator on the host, made of seed, epoch and step: all that is drawn is drawn
                of it, so that a training goes on from anywhere as if it had not stopped.
        """
        return batch

    def loader(
        self, split: str, tasks: Mapping[str, str], device: torch.device, seed: int
    ) -> RowsLoader:
        rows, read = self.splits[split], set(tasks.values())
        rows = Rows(
            {name: x.to(device) for name, x in rows.inputs.items() if name in read},
            {task: place(y, device) for task, y in rows.targets.items() if task in tasks},
            {task: w.to(device) for task, w in rows.weights.items() if task in tasks},
            {column: codes.to(device) for column, codes in rows.groups.items()},
        )
        train, batching = split == "train", self.batching
        size = self.batch_size if train else batching.eval_batch_size
        drop_last, shuffle = train and batching.drop_last, train and batching.shuffle
        order, chance = seed if shuffle else None, seed if train and self.augments else None
        return RowsLoader(self, rows, size, drop_last, order, chance)


@dataclass
class RowsLoader:
    """Batches of rows that lie on the training device.

    Args:
        dataset: prepares the rows.
        rows: all of them.
        batch_size: examples a batch.
        drop_last: whether an incomplete last batch is left out.
        seed: with the epoch, says the order; None: the order of the rows.
        augment_seed: with epoch and step, says what is augmented how; None: nothing is.
        own: whether it gives the part of every batch that is this process's.
    """

    dataset: InMemoryDataset
    rows: Rows
    batch_size: int
    drop_last: bool
    seed: int | None
    augment_seed: int | None = None
    own: bool = False
    num_examples: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_examples = len(self) * self.batch_size if self.drop_last else self.num_rows
        self.labels = Labels(self.rows.targets, self.rows.weights)
        self.complete = self.labels.complete

    def __len__(self) -> int:
        whole = self.num_rows / self.batch_size
        return math.floor(whole) if self.drop_last else math.ceil(whole)

    @property
    def num_rows(self) -> int:
        """How many an epoch draws from."""
        return len(self.rows)

    def order_of(self, epoch: int) -> Tensor | None:
        """The rows of an epoch, on the host; None: as they lie."""
        if self.seed is None:
            return None
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.rows), generator=generator)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        order = self.order_of(epoch)
        count = self.num_rows if order is None else len(order)
        own = portions(order, count, self.batch_size, self.own)
        device = next(iter(self.rows.targets.values())).device
        there = None if own.order is None else send(own.order, device)
        labels = self.labels.of_batches(own.order, own.bounds)
        at_once = self._batches_at_once()
        for first in range(start, len(self), at_once):
            bounds = own.bounds[first : min(first + at_once, len(self)) + 1]
            chunk = self._gather(slice(bounds[0], bounds[-1]), own.order, there)
            for i, (begin, end) in enumerate(pairwise(bounds), first):
                part = slice(begin - bounds[0], end - bounds[0])
                batch = Batch(
                    {name: take(x, part, part) for name, x in chunk.inputs.items()},
                    {task: y[part] for task, y in chunk.targets.items()},
                    self.complete,
                    {task: w[part] for task, w in chunk.weights.items()},
                    labels[i] if labels else {},
                    {column: codes[part] for column, codes in chunk.groups.items()},
                )
                if self.augment_seed is not None:
                    draw = generator_of(self.augment_seed, epoch, i)
                    batch = self.dataset.augment(batch, draw)
                yield without_labels(batch) if i in own.idle else batch

    def _batches_at_once(self) -> int:
        size = sum(map(row_bytes, self.rows.inputs.values()))
        length = max(1, self.batch_size // (ranks.size() if self.own else 1))
        return max(1, CHUNK_BYTES // (length * max(1, size)))

    def _gather(self, part: slice, order: Tensor | None, there: Tensor | None) -> Rows:
        """A part of the rows in an order, which lies on the host and on their device."""
        here = part if order is None else order[part]
        rows = part if there is None else there[part]
        inputs = {name: take(x, rows, here) for name, x in self.rows.inputs.items()}
        targets = {task: y[rows] for task, y in self.rows.targets.items()}
        weights = {task: w[rows] for task, w in self.rows.weights.items()}
        groups = {column: codes[rows] for column, codes in self.rows.groups.items()}
        prepared = self.dataset.prepare(inputs), self.dataset.prepare_targets(targets)
        return Rows(*prepared, weights, groups)
