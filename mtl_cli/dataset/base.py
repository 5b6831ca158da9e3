"""What every dataset promises: its inputs, its tasks' labels, and a loader for each split."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.dataset.readers.base import Reader
from mtl_cli.dataset.tables.plain import PlainTable

SPLITS = ("train", "val", "test")


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
        notes: what is said of the data before training, line by line: what was inferred, what was
            left out, what an epoch draws.
        details: the lines that notes shorten, for a file in the run folder.
        class_names: ``{task: the names of its classes}``, where they have names.
        sizes_of_tasks: ``{task: its num_classes, num_outputs or num_labels}``, where the data says
            it; fills what is null in the task's config.
        map_sizes: ``{task: height and width of its labels}``, of those that are maps.
        patterns: ``{task: the task in the config whose settings it has}``, for tasks that the data
            names.
        augments: whether train batches are changed by chance.
        drawn: the splits whose examples the dataset's seed draws.
        dealt: what each split was dealt, by rows, groups and moments; empty where nothing is dealt.
        plain_table: the same examples for learners that are no networks; None: there is none.
        units: ``{task: the unit of its labels}``, where they have one, for pictures.
        shifts: ``{binary task: what is added to its logit}``, where train has a sample of the rows.
        reader: reads new data as this data was read, for predictions; None: nothing does.
        kept: options of the class that name what a run's ``reader.json`` holds, too: in their place
            they take its path, where what they name need not be there any more.
        shared: ``{argument of the class: the dataclass that it is of}``, of what several datasets
            have in common; in a config its fields stand among the dataset's own options.
    """

    inputs: dict[str, InputSpec]
    tasks: dict[str, str]
    source: str
    notice: str | None = None
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    class_names: Mapping[str, list[str]] = MappingProxyType({})
    sizes_of_tasks: Mapping[str, int] = MappingProxyType({})
    map_sizes: Mapping[str, tuple[int, int]] = MappingProxyType({})
    patterns: Mapping[str, str] = MappingProxyType({})
    augments: bool = False
    drawn: Collection[str] = ()
    dealt: Mapping[str, Any] = MappingProxyType({})
    plain_table: PlainTable | None = None
    units: Mapping[str, str] = MappingProxyType({})
    shifts: Mapping[str, float] = MappingProxyType({})
    reader: Reader | None = None
    kept: ClassVar[tuple[str, ...]] = ()
    shared: ClassVar[Mapping[str, type]] = MappingProxyType({})

    @classmethod
    def of(cls, **options: Any) -> Self:
        """The dataset of a config's options."""
        own, made = dict(options), {}
        for name, kind in cls.shared.items():
            made[name] = kind(**{key: own.pop(key) for key in options_of(kind) if key in own})
        return cls(**own, **made)

    @property
    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """``{split: number of examples}``, only the splits that are there."""

    def as_seen(self, input: str, x: Tensor) -> Tensor | None:
        """What an eye is shown of some examples of an input, [B, 1 or 3, H, W] from 0 to 1: the
        pictures before they were made numbers of about mean 0. None: nobody knows.

        Args:
            input: its name.
            x: as batches have it, [B, ...].
        """
        return None

    @abstractmethod
    def targets(self, split: str) -> dict[str, Tensor]:
        """``{task: all labels of the split}``."""

    def content(self) -> Mapping[str, Any]:
        """``{split: its examples}``, tensors in mappings or dataclasses: what a digest is of.

        Here the labels alone; a data set that has its inputs at hand gives them too.
        """
        return {split: self.targets(split) for split in self.sizes}

    @abstractmethod
    def loader(
        self, split: str, tasks: Mapping[str, str], device: torch.device, seed: int
    ) -> Loader:
        """The batches of a split, for ``{task: the input that it reads}``, on ``device``."""


def options_of(kind: type) -> list[str]:
    """The options that a shared part has in a config: all fields but where it stands there."""
    return [own.name for own in fields(kind) if own.init and own.name != "slot"]


def missing(target: Tensor) -> Tensor:
    """Which labels are missing, in the target's shape."""
    return target.isnan() if target.is_floating_point() else target == -1
