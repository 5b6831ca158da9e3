"""Datasets of several sources: examples of each lie in memory, and a draw says who is read when."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch, Examples
from mtl_cli.basis.device import place
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.seed import generator_of
from mtl_cli.dataset.base import Dataset
from mtl_cli.dataset.memory.batching import Sampling
from mtl_cli.dataset.memory.draw import Draw
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.memory.sampling import DRAWS, Sequential
from mtl_cli.dataset.memory.sources_loader import Sources, SourcesLoader


class SourcesDataset(Dataset):
    """Sources of different sizes, each an input with its tasks.

    Train is drawn by ``sampling``; val and test are every source once, one after the other.

    Args:
        splits: ``{split: {source: its rows}}``; what has no rows is left out.
        inputs: ``{source: the spec of its input}``.
        tasks: ``{task: the source that it reads}``.
        source: where the examples are from.
        sampling: which examples of which sources make a batch.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType({"sampling": Sampling})

    def __init__(
        self,
        splits: Mapping[str, Mapping[str, Rows]],
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        source: str,
        sampling: Sampling,
    ) -> None:
        self.splits: dict[str, Sources] = {}
        for split, rows in splits.items():
            if there := {name: own for name, own in rows.items() if len(own)}:
                self.splits[split] = there
        self.inputs = dict(inputs)
        self.tasks = dict(tasks)
        self.source = source
        self.sampling = sampling
        train = self.splits.get("train", {})
        for name in inputs:
            if name not in train:
                rule = "must leave every source some train examples"
                fix = "more rows, or smaller dataset.split.val and dataset.split.test"
                raise problem(f"dataset.sources.{name}", rule, "none", fix)
        self.notes = (*self.notes, *self.draw(train, 0).notes(sampling.sampling))

    @property
    def sizes(self) -> dict[str, int]:
        return {split: sum(map(len, sources.values())) for split, sources in self.splits.items()}

    def content(self) -> Mapping[str, Any]:
        return self.splits

    def targets(self, split: str) -> dict[str, Tensor]:
        return {
            task: target
            for rows in self.splits[split].values()
            for task, target in rows.targets.items()
        }

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        """What happens to gathered rows before they are a batch: bytes become floats, say."""
        return inputs

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        """A train batch changed by chance; see `InMemoryDataset.augment`."""
        return batch

    def draw(self, sources: Mapping[str, Rows], seed: int) -> Draw:
        """The draw of training batches over these sources."""
        sizes = {name: len(rows) for name, rows in sources.items()}
        own = self.sampling
        batch_sizes = own.sizes(sizes, self.inputs)
        order = seed if own.shuffle else None
        lengths = own.lengths({name: rows.inputs[name] for name, rows in sources.items()})
        draw = DRAWS[own.sampling]
        return draw(sizes, batch_sizes, order, own.drop_last, own.temperature, lengths)

    def loader(
        self, split: str, tasks: Mapping[str, str], device: torch.device, seed: int
    ) -> SourcesLoader:
        for task, input in tasks.items():
            if input != self.tasks[task]:
                rule = f"must be {self.tasks[task]}: the others' examples lack its labels"
                fix = f"tasks.{task}.input=null"
                raise problem(f"tasks.{task}.input", rule, input, fix)
        sources = {
            name: Rows(
                {name: rows.inputs[name].to(device)},
                {task: place(y, device) for task, y in rows.targets.items() if task in tasks},
                {task: w.to(device) for task, w in rows.weights.items() if task in tasks},
            )
            for name, rows in self.splits[split].items()
            if name in tasks.values()
        }
        if split == "train":

            def augment(batch: Batch, epoch: int, step: int) -> Batch:
                return self.augment(batch, generator_of(seed, epoch, step))

            draw = self.draw(sources, seed)
            return SourcesLoader(self.prepare, sources, draw, augment if self.augments else None)
        sizes = {name: len(rows) for name, rows in sources.items()}
        batch_sizes = dict.fromkeys(sizes, self.sampling.eval_batch_size)
        return SourcesLoader(
            self.prepare, sources, Sequential(sizes, batch_sizes, None, False, 1.0)
        )
