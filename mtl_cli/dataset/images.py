"""Pictures of a user's own with labels of the whole: tables of paths, or folders by class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch, Examples
from mtl_cli.dataset.augmenting.augment import Augment
from mtl_cli.dataset.columns.target_options import targets_of
from mtl_cli.dataset.files.column_names import check_name
from mtl_cli.dataset.maps.folder_arrays import brought
from mtl_cli.dataset.memory.batching import Sampling
from mtl_cli.dataset.memory.sources import SourcesDataset
from mtl_cli.dataset.pictures.labelled import Labelled, labelled, read_labels
from mtl_cli.dataset.pictures.listing import listed
from mtl_cli.dataset.pictures.source import make_sources
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.decoding import decode
from mtl_cli.dataset.prepared.pixels import as_seen, normalised, pixels_of
from mtl_cli.dataset.prepared.plan import Decoding
from mtl_cli.dataset.readers.images import ImageReader
from mtl_cli.dataset.splits.options import SplitOptions

EXAMPLE = "'dataset.targets={animal: multiclass}'"


class Images(SourcesDataset):
    """Pictures [C, H, W], each with labels: of one source, the input ``image``, or of several,
    each an input with tasks of its own. They are decoded once, and kept as bytes on disk.

    Args:
        path: a table of paths and labels, or a folder with a folder of pictures for each class,
            maybe below ``train``, ``val`` and ``test``; None: see ``sources``.
        val_path: the same, of pictures for val alone; None: val is a part of the others.
        test_path: likewise of test.
        sources: ``{name: its settings}``; see `PictureSource`. None: there is one, ``path``.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., ...}}``; see `TargetOptions`. Of
            folders by class, each target's labels are the folders' names.
        image: the column of the pictures' paths; None: one of the usual names.
        root: the folder that these paths begin in; None: the table's own.
        partition: a file with a picture and its split in each line; None: there is none.
        split: how pictures are dealt; see `SplitOptions`.
        origin: where people get the files, said where they are missing.
        normalise: mean and deviation of a pixel, of values from 0 to 1.
        augment: see `Augment`.
        decoding: see `Decoding`.
        cache: of what was decoded; see `Cache`.
        sampling: see `SourcesDataset`.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType(
        {"decoding": Decoding, "cache": Cache, "sampling": Sampling}
    )

    def __init__(
        self,
        path: str | None,
        val_path: str | None,
        test_path: str | None,
        sources: Mapping[str, Mapping[str, Any]] | None,
        targets: Mapping[str, Any] | None,
        image: str | None,
        root: str | None,
        partition: str | None,
        split: Mapping[str, Any],
        origin: str | None,
        normalise: list[float],
        augment: Mapping[str, Any] | None,
        decoding: Decoding,
        cache: Cache,
        sampling: Sampling,
    ) -> None:
        check_name("dataset.image", image)
        self.pixels = pixels_of(normalise)
        self.augmentation = Augment.of(augment)
        self.augments = self.augmentation.on
        usual = {"val_path": val_path, "test_path": test_path, "image": image, "root": root}
        usual |= {"partition": partition}
        said = targets_of(targets, EXAMPLE)
        made = make_sources(path, sources, said, usual, SplitOptions.of(split))
        skip = decoding.on_bad_picture == "skip"
        found = {own.name: listed(own, origin, skip) for own in made}
        for own in made:
            read_labels(own, found[own.name])  # before the long work of decoding
        decoded = decode(cache, {name: own.files for name, own in found.items()}, decoding)
        parts: dict[str, Labelled] = {}
        for own in made:
            kept = np.setdiff1d(np.arange(len(found[own.name])), list(decoded.bad[own.name]))
            parts[own.name] = labelled(own, found[own.name].at(kept), kept)
        shape = next(iter(decoded.arrays.values())).shape
        self.drawn = sorted({split for own in parts.values() for split in own.drawn})
        self.dealt = {name: own.facts for name, own in parts.items()}
        if len(made) == 1:
            self.dealt = self.dealt[made[0].name]
        self.class_names = {t: n for own in parts.values() for t, n in own.class_names.items()}
        self.sizes_of_tasks = {t: n for own in parts.values() for t, n in own.sizes.items()}
        self.reader = ImageReader(
            inputs=list(parts),
            size=(shape[2], shape[3]),
            channels=shape[1],
            fit=decoding.fit,
            pixels=self.pixels,
            max_pixels=decoding.max_pixels,
            columns={name: own.column for name, own in found.items()},
            targets={t: target for own in parts.values() for t, target in own.known.items()},
            skip=skip,
        )
        notes = [line for name, own in found.items() for line in own.notes]
        for name, part in parts.items():
            notes += left_out(decoded.bad[name], found[name].files) + part.notes
        if list(decoded.sizes) != [(shape[2], shape[3])]:
            notes.append(f"size        {brought(decoded.sizes)} brought to {shape[2]} x {shape[3]}")
        if decoded.folder is not None:
            notes.append(cache.said(decoded.folder))
        self.notes = tuple(notes)
        super().__init__(
            splits={
                split: {
                    name: own.rows(split, name, decoded.stored(name)) for name, own in parts.items()
                }
                for split in ("train", "val", "test")
            },
            inputs=self.reader.inputs,
            tasks={task: own.name for own in made for task in own.targets},
            source="files",
            sampling=sampling,
        )

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        return {n: normalised(x, self.pixels) for n, x in inputs.items() if isinstance(x, Tensor)}

    def as_seen(self, input: str, x: Tensor) -> Tensor:
        return as_seen(x, self.pixels)

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        return self.augmentation(batch, draw, self.pixels, self.tasks)


def left_out(bad: Mapping[int, str], files: list[Path]) -> list[str]:
    """Which pictures could not be read."""
    if not bad:
        return []
    first = [f"{files[i].name} ({why.splitlines()[1].strip()})" for i, why in bad.items()]
    shown = ", ".join(first[:3]) + ", ..." * (len(first) > 3)
    return [f"{len(bad)} pictures that cannot be read are left out: {shown}"]
