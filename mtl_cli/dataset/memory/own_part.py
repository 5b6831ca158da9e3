"""The part of every batch that one of several processes reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch
from mtl_cli.dataset.base import Loader
from mtl_cli.dataset.memory.in_memory import RowsLoader
from mtl_cli.dataset.memory.sources_loader import SourcesLoader


@dataclass
class OwnPart:
    """The batches of a loader as far as they are this process's: the batches are the same however
    many processes there are.

    Where an input has fewer rows than there are processes, those without one read a row that counts
    nowhere: its labels are left out.

    Args:
        loader: of whole batches.
        reads: ``{task: the input that it reads}``.
    """

    loader: Loader
    reads: Mapping[str, str]
    num_examples: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_examples = self.loader.num_examples

    def __len__(self) -> int:
        return len(self.loader)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        return map(self.own, self.loader.batches(epoch, start))

    def own(self, batch: Batch) -> Batch:
        parts = {name: ranks.own_part(len(x)) for name, x in batch.inputs.items()}
        idle = {name for name, part in parts.items() if part.start == part.stop}
        rows = {name: slice(0, 1) if name in idle else part for name, part in parts.items()}
        each = batch.labels_a_row
        labelled = {n: slice(each * own.start, each * own.stop) for n, own in parts.items()}
        own = {task: labelled[self.reads[task]] for task in batch.targets}
        there = {task: part for task, part in own.items() if self.reads[task] not in idle}
        first = next(iter(rows.values()))
        return Batch(
            inputs={name: x[rows[name]] for name, x in batch.inputs.items()},
            targets={task: batch.targets[task][part] for task, part in there.items()},
            complete=batch.complete,
            weights={t: w[there[t]] for t, w in batch.weights.items() if t in there},
            groups={column: codes[first] for column, codes in batch.groups.items()},
            padding=len(idle),
            apart=batch.apart,
            labels_a_row=each,
        )


def own_part_of(loader: Loader, reads: Mapping[str, str]) -> Loader:
    """The loader itself where one process is alone, or the loader can take the part itself: then
    no other row is read. What is augmented is so as a whole batch."""
    if ranks.size() == 1:
        return loader
    if isinstance(loader, RowsLoader) and loader.augment_seed is None:
        loader.own = True
        return loader
    if isinstance(loader, SourcesLoader) and loader.augment is None:
        loader.own = True
        return loader
    return OwnPart(loader, reads)
