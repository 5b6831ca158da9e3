"""Batches of several sources that lie on the training device: a draw says who is read when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch, Examples, without_labels
from mtl_cli.basis.device import send
from mtl_cli.dataset.memory.draw import Draw
from mtl_cli.dataset.memory.labels import Labels
from mtl_cli.dataset.memory.portions import portions
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.memory.take import device_of, row_bytes, take

CHUNK_BYTES = 2**19  # rows are gathered for as many batches at once as fit in this

Sources = dict[str, Rows]  # {source: its rows}; a source is one input, with the tasks that read it


@dataclass
class SourcesLoader:
    """Batches of sources that lie on the training device.

    Args:
        prepare: makes of gathered rows what a batch holds.
        sources: all rows of each.
        draw: says which of them a step reads.
        augment: changes a batch by chance, given the epoch and the step in it; None: nothing does.
        own: whether it gives the part of every batch that is this process's.
    """

    prepare: Callable[[dict[str, Examples]], dict[str, Examples]]
    sources: Sources
    draw: Draw
    augment: Callable[[Batch, int, int], Batch] | None = None
    own: bool = False
    num_examples: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_examples = sum(self.draw.counts().values())
        self.labels = {
            name: Labels(rows.targets, rows.weights) for name, rows in self.sources.items()
        }
        self.complete = frozenset().union(*(own.complete for own in self.labels.values()))

    def __len__(self) -> int:
        return len(self.draw)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        streams = {name: self._parts(name, epoch, start) for name in self.sources}
        for step, names in enumerate(self.draw.schedule(epoch, start), start):
            parts = [next(streams[name]) for name in names]
            batch = Batch(
                {name: x for part in parts for name, x in part.inputs.items()},
                {task: y for part in parts for task, y in part.targets.items()},
                self.complete,
                {task: w for part in parts for task, w in part.weights.items()},
                {task: number for part in parts for task, number in part.labels.items()},
                padding=sum(part.padding for part in parts),
                apart=True,
            )
            yield batch if self.augment is None else self.augment(batch, epoch, step)

    def _parts(self, name: str, epoch: int, start: int) -> Iterator[Batch]:
        """A source's part of each batch that reads it; rows are gathered for several at once."""
        rows, size = self.sources[name], self.draw.batch_sizes[name]
        x = rows.inputs[name]
        device = device_of(x)
        length = max(1, size // (ranks.size() if self.own else 1))
        at_once = max(1, CHUNK_BYTES // (length * max(1, row_bytes(x))))
        for order in self.draw.passes(name, epoch, start):
            own = portions(order, len(order), size, self.own)
            assert own.order is not None
            labels = self.labels[name].of_batches(own.order, own.bounds)
            for first in range(0, len(own.bounds) - 1, at_once):
                bounds = own.bounds[first : first + at_once + 1]
                positions = own.order[bounds[0] : bounds[-1]]
                chunk = self._gather(rows, name, positions, send(positions, device))
                for i, (begin, end) in enumerate(pairwise(bounds), first):
                    part = slice(begin - bounds[0], end - bounds[0])
                    batch = Batch(
                        {name: take(x, part, part) for name, x in chunk.inputs.items()},
                        {task: y[part] for task, y in chunk.targets.items()},
                        weights={task: w[part] for task, w in chunk.weights.items()},
                        labels=labels[i] if labels else {},
                    )
                    yield without_labels(batch) if i in own.idle else batch

    def _gather(self, rows: Rows, name: str, here: Tensor, there: Tensor) -> Rows:
        """The examples at positions, which lie on the host and on their device."""
        return Rows(
            self.prepare({name: take(rows.inputs[name], there, here)}),
            {task: y[there] for task, y in rows.targets.items()},
            {task: w[there] for task, w in rows.weights.items()},
        )
