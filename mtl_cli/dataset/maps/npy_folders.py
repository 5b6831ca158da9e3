"""NYUv2 and Cityscapes as papers share them: a folder of ``.npy`` files for each kind of map.

The layout of S. Liu, E. Johns & A. Davison, "End-to-End Multi-Task Learning with Attention", CVPR
2019, https://arxiv.org/abs/1803.10704, which most later papers read too:
``{train,val}/{image,label,depth,normal}/{0,1,...}.npy``. Their ``val`` is what they test on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch, Examples
from mtl_cli.basis.errors import check_integer, check_number, problem
from mtl_cli.dataset.files.column_names import check_name
from mtl_cli.dataset.files.npy import image_bytes
from mtl_cli.dataset.maps.augmentation import Augmentation
from mtl_cli.dataset.maps.npy_cache import Kind, cached, files_of
from mtl_cli.dataset.maps.npy_maps import class_bytes, depth_floats, normal_halves
from mtl_cli.dataset.maps.pixels import unpacked
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.prepared.pixels import as_seen, normalised, picture_spec
from mtl_cli.dataset.readers.pictures import PictureReader
from mtl_cli.dataset.splits.options import checked

PARTS = ("train", "val")
MAPS = {"segmentation": "label", "depth": "depth", "normals": "normal"}  # {task: its folder}


class NpyFolders(InMemoryDataset):
    """Input ``image`` [3, H, W]; as many as are read of the tasks ``segmentation`` ([H, W], -1
    where missing), ``depth`` [1, H, W] and ``normals`` [3, H, W] (NaN where missing).

    Pictures are of any float type from 0 to 1, or bytes; a depth of 0 and a normal of (0, 0, 0) are
    missing. They are kept as bytes, half floats (normals) and floats (depths) in a cache. The
    folder ``val`` is test, and a share of ``train`` is held out as val: no paper has a val split.

    Args:
        path: the folder with ``train`` and ``val``.
        reads: the tasks that are read, of those that there are.
        label: the folder of the classes, ``label`` say; None: that of `labels` which is there.
        num_classes: of the segmentation.
        split: ``val``, the share of train that becomes val, and the ``seed`` of its draw.
        cache: of what was read; see `Cache`.
        augmentation: of train batches; see `Augmentation`.
        batching: see `InMemoryDataset`.

    Attributes:
        kinds_of_maps: the tasks that there are.
        labels: the names that the folder of the classes may have.
        depth_unit: what a depth is, with its unit.
        whence: what the folder is and where people get it from.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType(
        {"cache": Cache, "augmentation": Augmentation, "batching": Batching}
    )
    kinds_of_maps: ClassVar[Sequence[str]] = tuple(MAPS)
    labels: ClassVar[Sequence[str]] = ("label",)
    depth_unit: ClassVar[str]
    whence: ClassVar[str]

    def __init__(
        self,
        path: str,
        reads: Sequence[str],
        label: str | None,
        num_classes: int,
        split: Mapping[str, Any],
        cache: Cache,
        augmentation: Augmentation,
        batching: Batching,
    ) -> None:
        known = self.kinds_of_maps
        if not isinstance(reads, list | tuple) or not reads or not set(reads) <= set(known):
            rule, fix = f"must be a list of {', '.join(known)}", "'dataset.reads=[depth]'"
            raise problem("dataset.reads", rule, reads, fix)
        check_name("dataset.label", label)
        check_integer("dataset.num_classes", num_classes, 2, "dataset.num_classes=13")
        dealt = checked(split, "dataset.split", ["val", "seed"])
        val, seed = dealt.get("val"), dealt.get("seed")
        check_number("dataset.split.val", val, "dataset.split.val=0.1", 0, 0.9)
        check_integer("dataset.split.seed", seed, 0, "dataset.split.seed=0")
        folder = Path(path).expanduser()
        if label is None:
            label = next(
                (x for x in self.labels if (folder / "train" / x).is_dir()), self.labels[0]
            )
        kinds = {
            "image": Kind("image", 3, image_bytes, np.uint8, "bytes"),
            "segmentation": Kind(label, 1, class_bytes(num_classes), np.int8, f"{num_classes}"),
            "depth": Kind("depth", 1, depth_floats, np.float32, "depth"),
            "normals": Kind("normal", 3, normal_halves, np.float16, "unit"),
        }
        kinds = {name: kind for name, kind in kinds.items() if name in ("image", *reads)}
        self.check_folder(folder)
        notes, parts = [], {}
        for own in PARTS:
            maps, where = cached(cache, files_of(folder / own, kinds), kinds)
            if where is not None:
                notes.append(cache.said(where))
            parts[own] = Rows({"image": maps.pop("image")}, maps)
        shapes = {tuple(rows.inputs["image"].shape[1:]) for rows in parts.values()}  # type: ignore[union-attr]
        if len(shapes) > 1:
            fix = "pictures of one size"
            raise problem(str(folder), "must have one size of pictures", str(shapes), fix)
        shape = shapes.pop()
        super().__init__(
            splits=held_out(parts["train"], float(val), int(seed)) | {"test": parts["val"]},  # type: ignore[arg-type]
            inputs={"image": picture_spec(shape)},
            tasks=dict.fromkeys(reads, "image"),
            source="files",
            batching=batching,
        )
        if "depth" in reads:
            notes.append(f"depth       {self.depth_unit}")
        self.notes = tuple(notes)
        self.map_sizes = dict.fromkeys(reads, (shape[1], shape[2]))
        self.sizes_of_tasks = {"segmentation": num_classes} if "segmentation" in reads else {}
        self.reader = PictureReader((shape[1], shape[2]))
        self.drawn = ["val"]
        self.augmentation = augmentation
        self.augments = augmentation.on

    def check_folder(self, folder: Path) -> None:
        """Refuses a folder that is not there or has not both parts."""
        if all((folder / own / "image").is_dir() for own in PARTS):
            return
        names = [*(MAPS[task] for task in self.kinds_of_maps if task != "segmentation")]
        maps = ",".join(["image", "|".join(self.labels), *names])
        rule = f"must hold {{{','.join(PARTS)}}}/{{{maps}}}/0.npy, 1.npy, ...: {self.whence}"
        there = sorted(own.name for own in folder.iterdir())[:8] if folder.is_dir() else []
        found = f"{folder} with {', '.join(there) or 'nothing in it'}"
        found = found if folder.is_dir() else f"no folder {folder}"
        raise problem("dataset.path", rule, found, "dataset.path=<folder with train and val>")

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        image = inputs["image"]
        assert isinstance(image, Tensor)
        return {"image": normalised(image)}

    def as_seen(self, input: str, x: Tensor) -> Tensor:
        return as_seen(x)

    def prepare_targets(self, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        return {task: unpacked(task, target) for task, target in targets.items()}

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        return self.augmentation(batch, "image", draw)


def held_out(rows: Rows, share: float, seed: int) -> dict[str, Rows]:
    """Train and val: a share of the rows, drawn by the seed; both in their own order."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    count = round(share * len(rows))
    if not count:
        return {"train": rows}

    def part(chosen: Tensor) -> Rows:
        chosen = chosen.sort().values
        image = rows.inputs["image"]
        assert isinstance(image, Tensor)
        return Rows({"image": image[chosen]}, {task: y[chosen] for task, y in rows.targets.items()})

    return {"train": part(order[count:]), "val": part(order[:count])}
