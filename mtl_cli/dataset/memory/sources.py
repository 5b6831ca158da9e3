"""Datasets of several sources: examples of each lie in memory, and a draw says who is read when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.device import place
from mtl_cli.basis.errors import check_boolean, check_integer, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.dataset.base import Dataset
from mtl_cli.dataset.memory.draw import Draw
from mtl_cli.dataset.memory.fitted import fitted
from mtl_cli.dataset.memory.in_memory import Rows
from mtl_cli.dataset.memory.sampling import DRAWS, Sequential, check_sampling
from mtl_cli.dataset.memory.sources_loader import Sources, SourcesLoader


class SourcesDataset(Dataset):
    """Sources of different sizes, each an input with its tasks.

    Train is drawn by ``sampling``; val and test are every source once, one after the other.

    Args:
        splits: ``{split: {source: its rows}}``; what has no rows is left out.
        inputs: ``{source: the spec of its input}``.
        tasks: ``{task: the source that it reads}``.
        source: where the examples are from.
        sampling: the name of the draw of training batches (see `sampling`).
        temperature: tau of ``sampling=temperature``, at least 1.
        batch_size: examples of a source in a training batch, for all or by source: a number,
            ``auto`` (see `fitted`), or None: all.
        eval_batch_size: examples a batch of val and test.
        shuffle: whether sources are drawn in new orders every epoch.
        drop_last: whether incomplete last train batches are left out.
    """

    def __init__(
        self,
        splits: Mapping[str, Mapping[str, Rows]],
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        source: str,
        sampling: str,
        temperature: float,
        batch_size: int | str | Mapping[str, int | str | None] | None,
        eval_batch_size: int,
        shuffle: bool,
        drop_last: bool,
    ) -> None:
        check_sampling(sampling, temperature)
        check_integer("dataset.eval_batch_size", eval_batch_size, 1, "dataset.eval_batch_size=1000")
        check_boolean("dataset.shuffle", shuffle)
        check_boolean("dataset.drop_last", drop_last)
        self.splits: dict[str, Sources] = {}
        for split, rows in splits.items():
            if there := {name: own for name, own in rows.items() if len(own)}:
                self.splits[split] = there
        self.inputs = dict(inputs)
        self.tasks = dict(tasks)
        self.source = source
        self.sampling = sampling
        self.temperature = temperature
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        train = self.splits.get("train", {})
        for name in inputs:
            if name not in train:
                rule = "must leave every source some train examples"
                fix = "more rows, or smaller dataset.val_fraction and dataset.test_fraction"
                raise problem(f"dataset.sources.{name}", rule, "none", fix)
        self.notes = (*self.notes, *self.draw(train, 0).notes(sampling))

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

    def draw(self, sources: Mapping[str, Rows], seed: int) -> Draw:
        """The draw of training batches over these sources."""
        sizes = {name: len(rows) for name, rows in sources.items()}
        batch_sizes = {name: self.batch_size_of(name, n) for name, n in sizes.items()}
        order = seed if self.shuffle else None
        draw = DRAWS[self.sampling]
        return draw(sizes, batch_sizes, order, self.drop_last, self.temperature)

    def batch_size_of(self, name: str, num_examples: int) -> int:
        """The examples of a source in a training batch."""
        size, thing = self.batch_size, "dataset.batch_size"
        if isinstance(size, Mapping):
            if set(size) != set(self.inputs):
                rule = f"must name every source: {', '.join(self.inputs)}"
                raise problem(thing, rule, ", ".join(map(str, size)), "dataset.batch_size=64")
            size, thing = size[name], f"{thing}.{name}"
        if size is None:
            return num_examples
        size = fitted(size, num_examples)
        check_integer(thing, size, 1, f"{thing}=64")
        return size

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
            return SourcesLoader(self.prepare, sources, self.draw(sources, seed))
        sizes = {name: len(rows) for name, rows in sources.items()}
        batch_sizes = dict.fromkeys(sizes, self.eval_batch_size)
        return SourcesLoader(
            self.prepare, sources, Sequential(sizes, batch_sizes, None, False, 1.0)
        )
