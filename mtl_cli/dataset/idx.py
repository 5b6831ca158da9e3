"""Sets of grey images in MNIST's format: Fashion-MNIST, KMNIST, EMNIST, or one of a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch, Examples
from mtl_cli.basis.errors import check_boolean, problem
from mtl_cli.dataset.augmenting.augment import Augment
from mtl_cli.dataset.columns.target_options import TargetOptions, targets_of
from mtl_cli.dataset.files.idx_files import load_idx
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.prepared.pixels import Pixels, as_seen, normalised, pixels_of
from mtl_cli.dataset.readers.images import ImageReader
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.facts import lines_of
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.tables.targets import TableTargets

INPUT, LABEL = "image", "label"
EXAMPLE = "'dataset.targets={label: multiclass}'"


class Idx(InMemoryDataset):
    """Input ``image`` [1, H, W]; each target reads the one label of an image, by a map of its own.

    Args:
        path: the folder with the four files, or what their names begin with; see `load_idx`.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., "map": {label: class}}}``; see
            `TargetOptions`. Labels are numbers, in the column ``label``.
        transpose: whether rows and columns are exchanged, as EMNIST has them.
        split: how train becomes train and val; test is that of the files. See `SplitOptions`.
        origin: where people get the files, said where they are missing.
        normalise: mean and deviation of a pixel, of values from 0 to 1; None: those of train.
        augment: see `Augment`.
        batching: see `InMemoryDataset`.
    """

    def __init__(
        self,
        path: str | None,
        targets: Mapping[str, Any] | None,
        transpose: bool,
        split: Mapping[str, Any],
        origin: str | None,
        normalise: list[float] | None,
        augment: Mapping[str, Any] | None,
        batching: Batching,
    ) -> None:
        import pyarrow

        if path is None:
            rule, fix = "must be a folder with four IDX files", f"dataset.path=<folder> {EXAMPLE}"
            raise problem("dataset.path", rule, "none", fix)
        check_boolean("dataset.transpose", transpose)
        self.augmentation = Augment.of(augment)
        self.augments = self.augmentation.on
        said = {task: of_label(own) for task, own in targets_of(targets, EXAMPLE).items()}
        dealing = SplitOptions.of(split)
        check_split(dealing)
        parts = load_idx(Path(path).expanduser(), origin)
        images = np.concatenate([own for own, _ in parts.values()])
        images = images.transpose(0, 2, 1) if transpose else images
        written = [str(label) for _, own in parts.values() for label in own.tolist()]
        given = np.repeat(["", "test"], [len(own) for own, _ in parts.values()]).astype("<U5")
        table = pyarrow.table({LABEL: written})
        labels = TableTargets(said, None, None)
        labels.read(table, place)
        own_classes = (labels.strata, labels.classes)
        dealt = deal(dealing, given, table.column, place, *own_classes)
        train = dealt.rows["train"]
        labels.check(train)
        self.pixels = moments(images[train]) if normalise is None else pixels_of(normalise)
        self.drawn, self.dealt = dealt.drawn, dealt.facts
        self.class_names, self.sizes_of_tasks = labels.class_names, labels.sizes
        mean, deviation = self.pixels
        said_of = f"pixels      of mean {mean:.4f} and deviation {deviation:.4f} are normalised"
        self.notes = (*lines_of(dealt.facts), *labels.notes(train), said_of)
        image = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1)  # [N, 1, H, W]
        size, known = (image.shape[2], image.shape[3]), labels.known
        self.reader = ImageReader(
            [INPUT], size, 1, "resize", self.pixels, 10**8, {INPUT: None}, known
        )
        whole = Rows({INPUT: image}, labels.targets)
        super().__init__(
            splits={split: whole.at(torch.from_numpy(at)) for split, at in dealt.rows.items()},
            inputs=self.reader.inputs,
            tasks=dict.fromkeys(said, INPUT),
            source=Path(path).name,
            batching=batching,
        )

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        image = inputs[INPUT]
        assert isinstance(image, Tensor)
        return {INPUT: normalised(image, self.pixels)}

    def as_seen(self, input: str, x: Tensor) -> Tensor:
        return as_seen(x, self.pixels)

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        return self.augmentation(batch, draw, self.pixels, self.tasks)


def place(i: int) -> str:
    return f"image {i + 1}"


def of_label(target: TargetOptions) -> TargetOptions:
    """A target of the one label."""
    if target.column not in (None, LABEL) or target.columns or target.weight or target.where:
        rule = "reads the one label of an image: it may have a kind, a map and an order"
        fix = f"'{target.slot}={{kind: {target.kind}, map: {{0: a, '*': b}}}}'"
        raise problem(target.slot, rule, "a column", fix)
    return replace(target, column=LABEL)


def check_split(dealing: SplitOptions) -> None:
    """Refuses what nothing of these files can say."""
    if dealing.by != "fraction":
        fix = "dataset.split.by=fraction dataset.split.column=null"
        rule = "must be fraction: images have no columns beside their label"
        raise problem("dataset.split.by", rule, dealing.by, fix)


def moments(images: np.ndarray) -> Pixels:
    """Mean and deviation of all pixels, of values from 0 to 1."""
    counts = np.bincount(images.reshape(-1), minlength=256) / images.size
    values = np.arange(256) / 255
    mean = float(counts @ values)
    deviation = float(np.sqrt(counts @ (values - mean) ** 2))
    return round(mean, 4), max(round(deviation, 4), 1e-3)
