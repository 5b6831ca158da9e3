"""What every draw over several sources promises: whose examples each step reads, and which."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.memory.buckets import in_buckets

Turns = dict[str, np.ndarray]  # {source: the steps of an epoch that read a batch of it, rising}


class Draw(ABC):
    """A draw: all of it is a function of the seed and the epoch, so it can go on anywhere.

    A source is read in passes: each is a new random order of all its examples, cut into batches, of
    which the last may be smaller. Every epoch begins with a new pass of every source.

    Args:
        sizes: ``{source: how many examples it has}``.
        batch_sizes: ``{source: examples a batch}``.
        seed: of the orders; None: the order in which the examples lie, and no chance anywhere.
        drop_last: whether the incomplete last batch of a pass is left out.
        temperature: tau, of the draw that has one.
        lengths: ``{source: how long each of its examples is, [N]}``, where those of like length are
            to be in a batch.

    Attributes:
        num_batches: ``{source: batches a pass}``.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        batch_sizes: Mapping[str, int],
        seed: int | None,
        drop_last: bool,
        temperature: float,
        lengths: Mapping[str, np.ndarray] = MappingProxyType({}),
    ) -> None:
        self.sizes = dict(sizes)
        self.batch_sizes = dict(batch_sizes)
        self.seed = seed
        self.temperature = temperature
        self.lengths = lengths
        whole = math.floor if drop_last else math.ceil
        self.num_batches = {s: whole(n / batch_sizes[s]) for s, n in sizes.items()}
        for source, batches in self.num_batches.items():
            if batches == 0:
                rule = "must leave every source at least one whole batch of train examples"
                found = f"{sizes[source]} train examples of {source!r}"
                fix = f"dataset.batch_size={sizes[source]}" if sizes[source] else "more of them"
                raise problem("dataset", rule, found, fix)

    @abstractmethod
    def turns(self, epoch: int) -> Turns:
        """The steps of an epoch that read a batch of each source."""

    def __len__(self) -> int:
        """The steps of an epoch."""
        return 1 + max(int(steps[-1]) for steps in self.turns(1).values())

    def counts(self) -> dict[str, int]:
        """How many examples of each source an epoch draws; the same in every epoch."""
        drawn = {}
        for source, steps in self.turns(1).items():
            passes, rest = divmod(len(steps), self.num_batches[source])
            drawn[source] = passes * self.pass_size(source) + rest * self.batch_sizes[source]
        return drawn

    def pass_size(self, source: str) -> int:
        """The examples of a pass: all but what ``drop_last`` leaves out."""
        return min(self.sizes[source], self.num_batches[source] * self.batch_sizes[source])

    def schedule(self, epoch: int, start: int) -> Iterator[list[str]]:
        """The sources that each step of an epoch reads, from step ``start`` (from 0) on."""
        turns = self.turns(epoch)
        reads: list[list[str]] = [[] for _ in range(len(self))]
        for source, steps in turns.items():
            for step in steps[np.searchsorted(steps, start) :].tolist():
                reads[step].append(source)
        return iter(reads[start:])

    def by_source(self, sources: np.ndarray) -> Turns:
        """The turns where step t reads one source, of number ``sources[t]``."""
        return {source: np.flatnonzero(sources == i) for i, source in enumerate(self.sizes)}

    def passes(self, source: str, epoch: int, start: int) -> Iterator[Tensor]:
        """The positions left of the pass in progress at step ``start``, then those of the next."""
        batches = int(np.searchsorted(self.turns(epoch)[source], start))  # read before
        number, done = divmod(batches, self.num_batches[source])
        while True:
            order = self.order(source, epoch, number)[: self.pass_size(source)]
            yield order[done * self.batch_sizes[source] :]
            number, done = number + 1, 0

    def order(self, source: str, epoch: int, number: int) -> Tensor:
        """The order of a source's examples in one pass of an epoch, [N]."""
        if self.seed is None:
            return torch.arange(self.sizes[source])
        index = list(self.sizes).index(source)
        generator = np.random.default_rng([self.seed, epoch, index, number])
        order = torch.from_numpy(generator.permutation(self.sizes[source]))
        if source not in self.lengths:
            return order
        return in_buckets(order, self.lengths[source], self.batch_sizes[source], generator)

    def batches(self, epoch: int, start: int = 0) -> Iterator[dict[str, Tensor]]:
        """``{source: positions [B]}`` for each step of an epoch, from number ``start`` on."""
        streams = {source: self._batches_of(source, epoch, start) for source in self.sizes}
        for sources in self.schedule(epoch, start):
            yield {source: next(streams[source]) for source in sources}

    def _batches_of(self, source: str, epoch: int, start: int) -> Iterator[Tensor]:
        for order in self.passes(source, epoch, start):
            yield from order.split(self.batch_sizes[source])

    def notes(self, sampling: str) -> list[str]:
        """What an epoch draws, in words, with what of it is left out or drawn again."""
        lines = [f"sampling {sampling}: {len(self):,} steps an epoch"]
        for source, drawn in self.counts().items():
            size = self.sizes[source]
            share = "each once" if drawn == size else f"{drawn / size:.2f} times as many"
            if drawn < size:
                share = f"{size - drawn:,} are left out, others every epoch"
                if self.seed is None:
                    share = f"{size - drawn:,} are left out, always the same (shuffle=false)"
            lines.append(f"{source}: draws {drawn:,} of {size:,} train examples; {share}")
        return lines
