"""Pictures of a user's own with a label for every pixel: masks, depths, normals or edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch, Examples
from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.dataset.augmenting.jitter import Jitter
from mtl_cli.dataset.columns.labels import KINDS as LABELS
from mtl_cli.dataset.columns.target_options import targets_of
from mtl_cli.dataset.files.column_names import check_name
from mtl_cli.dataset.maps.augmentation import Augmentation
from mtl_cli.dataset.maps.classes import check_train, names_of
from mtl_cli.dataset.maps.folder_arrays import Size, brought, read_folder
from mtl_cli.dataset.maps.listing import PICTURES, Listing, listed
from mtl_cli.dataset.maps.map_target import EXAMPLE, MapTarget, map_targets_of
from mtl_cli.dataset.maps.pixels import unpacked
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.pixels import as_seen, normalised, picture_spec
from mtl_cli.dataset.readers.pictures import PictureReader
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.facts import lines_of
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.tables.targets import TableTargets

PATHS = "a folder with images/ and masks/ of equal names, or a CSV with the paths of both"


class DenseFolder(InMemoryDataset):
    """Input ``image`` [3, H, W], and a map for each target; see `MapTarget`. A target of another
    kind, ``multiclass`` say, is one label of each picture, in a column of the table of paths; see
    `TargetOptions`.

    Args:
        path: a folder of folders, or a table of paths; see `listed`.
        image: the folder, or the column, of the pictures; None: image or images.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., the other options}}``.
        size: height and width that all are brought to, pictures bilinearly and maps by the nearest
            pixel; None: they have to have one.
        split: how pictures are dealt; see `SplitOptions`. Its column is one of the table.
        cache: of what was read; see `Cache`.
        augmentation: of train batches; see `Augmentation`.
        jitter: of the colours of train batches; see `Jitter`.
        batching: see `InMemoryDataset`.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType(
        {"cache": Cache, "augmentation": Augmentation, "jitter": Jitter, "batching": Batching}
    )

    def __init__(
        self,
        path: str | None,
        image: str | None,
        targets: Mapping[str, Any] | None,
        size: Sequence[int] | None,
        split: Mapping[str, Any],
        cache: Cache,
        augmentation: Augmentation,
        jitter: Jitter,
        batching: Batching,
    ) -> None:
        if path is None:
            raise problem("dataset.path", f"must be {PATHS}", "none", "dataset.path=<folder>")
        check_name("dataset.image", image)
        said, whole = parted(targets)
        labels = TableTargets(targets_of(whole) if whole else {}, None, None)
        dealing = SplitOptions.of(split)
        listing = listed(path, image, said)
        found = read_folder(cache, listing, said, size_of(size))
        count = len(listing.files[PICTURES])
        read_labels(labels, listing)
        own_classes = (labels.strata, labels.classes)
        dealt = deal(dealing, np.full(count, ""), listing.cells, listing.place, *own_classes)
        labels.check(dealt.rows["train"])
        classes = {
            t: names_of(own, found.seen[t], listing.files[t])
            for t, own in said.items()
            if own.kind != "depth"
        }
        notes = [*lines_of(dealt.facts), *labels.notes(dealt.rows["train"])]
        for task, own in said.items():
            notes += check_train(own, classes.get(task, []), found.seen[task], dealt.rows["train"])
        picture = found.arrays.pop(PICTURES)
        every = Rows({PICTURES: picture}, {**found.arrays, **labels.targets})
        super().__init__(
            splits={split: every.at(torch.from_numpy(at)) for split, at in dealt.rows.items()},
            inputs={PICTURES: picture_spec(picture.shape[1:])},
            tasks=dict.fromkeys(targets or (), PICTURES),
            source="files",
            batching=batching,
        )
        self.kinds = {task: own.kind for task, own in said.items()}
        self.drawn, self.dealt = dealt.drawn, dealt.facts
        self.class_names = {t: names for t, names in classes.items() if said[t].map}
        self.class_names |= labels.class_names
        self.sizes_of_tasks = labels.sizes | {
            t: len(classes[t]) for t, own in said.items() if own.kind == "segmentation"
        }
        height, width = picture.shape[2], picture.shape[3]
        self.reader = PictureReader((height, width))
        self.map_sizes = dict.fromkeys(said, (height, width))
        if list(found.sizes) != [(height, width)]:
            notes.append(f"size        {brought(found.sizes)} brought to {height} x {width}")
        if found.folder is not None:
            notes.append(cache.said(found.folder))
        self.notes = tuple(notes)
        self.augmentation, self.jitter = augmentation, jitter
        self.augments = augmentation.on or jitter.on

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        image = inputs[PICTURES]
        assert isinstance(image, Tensor)
        return {PICTURES: normalised(image)}

    def as_seen(self, input: str, x: Tensor) -> Tensor:
        return as_seen(x)

    def prepare_targets(self, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        kinds = self.kinds
        return {t: unpacked(kinds[t], y) if t in kinds else y for t, y in targets.items()}

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        if self.augmentation.on:
            batch = self.augmentation(batch, PICTURES, draw, self.kinds)
        return self.jitter(batch, PICTURES, draw) if self.jitter.on else batch


def parted(
    targets: Mapping[str, Any] | None,
) -> tuple[dict[str, MapTarget], dict[str, Any]]:
    """The targets that are maps, and what is said of those that are one label a picture."""
    if not targets or not isinstance(targets, Mapping):
        return map_targets_of(targets), {}
    if PICTURES in targets:
        rule = "must be another name than that of the pictures"
        raise problem("dataset.targets", rule, PICTURES, EXAMPLE)
    kinds = {t: own.get("kind") if isinstance(own, Mapping) else own for t, own in targets.items()}
    whole = {str(t): own for t, own in targets.items() if kinds[t] in LABELS}
    maps = {t: own for t, own in targets.items() if kinds[t] not in LABELS}
    return map_targets_of(maps) if maps else {}, whole


def read_labels(labels: TableTargets, listing: Listing) -> None:
    """Reads the labels of whole pictures from the table of paths.

    Raises:
        ValueError: where there is no table, or no such column.
    """
    if not labels.said:
        return
    if listing.table is None:
        task = next(iter(labels.said))
        rule = "is one label of each picture: it needs a table of paths with its column"
        raise problem(f"dataset.targets.{task}", rule, "folders", "dataset.path=<a CSV of paths>")
    labels.read(listing.table, listing.place)


def size_of(size: Sequence[int] | None) -> Size | None:
    """The size that is said.

    Raises:
        ValueError: where it is none.
    """
    if size is None:
        return None
    fix = "'dataset.size=[96,128]'"
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise problem("dataset.size", "must be a height and a width in pixels", size, fix)
    for side in size:
        check_integer("each side of dataset.size", side, 8, fix)
    return size[0], size[1]
