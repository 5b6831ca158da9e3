"""Scenes: rendered rooms with the class, depth and normal of every pixel, which are exact.

Made from a seed, in seconds, without any file. Colours, textures and light are drawn alike for
everything, so what a pixel shows has to be told from shapes and from what is around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, radians, sin
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch, Examples
from mtl_cli.basis.errors import check_integer, check_number, problem
from mtl_cli.dataset.base import SPLITS
from mtl_cli.dataset.maps.augmentation import MOVED, Augmentation
from mtl_cli.dataset.maps.pixels import borders, unpacked
from mtl_cli.dataset.maps.render import render
from mtl_cli.dataset.maps.rooms import CLASSES, SCENES, draw_rooms
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.prepared.pixels import as_seen, normalised, picture_spec
from mtl_cli.dataset.readers.pictures import PictureReader

BLOCK = 16  # scenes that are drawn and rendered together
TASKS = ("segmentation", "depth", "normals", "edges", "scene")


@dataclass(frozen=True)
class Sensor:
    """What a camera cannot see.

    Args:
        noise: deviation of the picture's noise, as a share of white.
        unlabelled: share of the surfaces whose class is missing.
        max_depth: what is farther has no depth and no normal, in metres.
        min_angle: nor has what is seen under a smaller angle to its surface, in degrees.
    """

    noise: float
    unlabelled: float
    max_depth: float
    min_angle: float

    def __post_init__(self) -> None:
        check_number("dataset.noise", self.noise, "dataset.noise=0.03", 0, 1)
        check_number("dataset.unlabelled", self.unlabelled, "dataset.unlabelled=0.05", 0, 1)
        check_number("dataset.max_depth", self.max_depth, "dataset.max_depth=8.0", 1)
        check_number("dataset.min_angle", self.min_angle, "dataset.min_angle=4.0", 0, 90)


class Scenes(InMemoryDataset):
    """Input ``image`` [3, H, W]; tasks ``segmentation`` (7 classes, [H, W], -1 where missing),
    ``depth`` along the camera's axis in metres and ``normals`` in its axes (x right, y down, z
    forward; [1, H, W] and [3, H, W], NaN where missing), ``edges`` [1, H, W] (1: a neighbour shows
    another surface) and ``scene`` (4 classes).

    Pictures are kept as bytes, depths and normals as half floats; a few batches at a time become
    floats. A split's first scenes are the same, however many it has.

    Args:
        size: height and width of a picture, in pixels.
        num_train, num_val, num_test: scenes.
        seed: of all splits.
        sensor: see `Sensor`.
        augmentation: of train batches; see `Augmentation`.
        batching: see `InMemoryDataset`.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType(
        {"sensor": Sensor, "augmentation": Augmentation, "batching": Batching}
    )

    def __init__(
        self,
        size: Sequence[int],
        num_train: int,
        num_val: int,
        num_test: int,
        seed: int,
        sensor: Sensor,
        augmentation: Augmentation,
        batching: Batching,
    ) -> None:
        if not isinstance(size, list | tuple) or len(size) != 2:
            rule = "must be a height and a width in pixels"
            raise problem("dataset.size", rule, size, "'dataset.size=[64,64]'")
        for side in size:
            check_integer("each side of dataset.size", side, 8, "'dataset.size=[64,64]'")
        check_integer("dataset.seed", seed, 0, "dataset.seed=0")
        counts = dict(zip(SPLITS, (num_train, num_val, num_test), strict=True))
        for split, count in counts.items():
            least = int(split == "train")
            check_integer(f"dataset.num_{split}", count, least, f"dataset.num_{split}=300")
        super().__init__(
            splits={
                split: rendered(count, (seed, number), (size[0], size[1]), sensor)
                for number, (split, count) in enumerate(counts.items())
                if count
            },
            inputs={"image": picture_spec((3, *size))},
            tasks=dict.fromkeys(TASKS, "image"),
            source="rendered",
            batching=batching,
        )
        self.class_names = {"segmentation": CLASSES, "scene": SCENES}
        self.sizes_of_tasks = {task: len(names) for task, names in self.class_names.items()}
        self.map_sizes = dict.fromkeys(MOVED, (size[0], size[1]))
        self.reader = PictureReader((size[0], size[1]))
        self.units = {"depth": "m"}
        self.drawn = list(self.sizes)
        self.augmentation = augmentation
        self.augments = augmentation.on

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


def rendered(count: int, seed: tuple[int, int], size: tuple[int, int], sensor: Sensor) -> Rows:
    """The rows of a split. Each block of scenes has a generator of its own, so they are the same in
    any number of threads."""

    def block(number: int) -> dict[str, Tensor]:
        return seen(np.random.default_rng([*seed, number]), size, sensor)

    with ThreadPoolExecutor(max_workers=max(1, torch.get_num_threads())) as threads:
        blocks = list(threads.map(block, range(ceil(count / BLOCK))))
    whole = {key: torch.cat([own[key] for own in blocks])[:count].clone() for key in blocks[0]}
    return Rows({"image": whole.pop("image")}, whole)


def seen(draw: np.random.Generator, size: tuple[int, int], sensor: Sensor) -> dict[str, Tensor]:
    """A block of scenes, as the sensor sees them."""
    rooms = draw_rooms(draw, BLOCK, sensor.unlabelled)
    views = render(rooms, *size)
    noise = draw.standard_normal(views.image.shape, dtype=np.float32)
    image = np.sqrt(np.clip(views.image, 0, 1)) + np.float32(sensor.noise) * noise
    unseen = (views.depth > sensor.max_depth) | (views.grazing < sin(radians(sensor.min_angle)))
    depth = np.where(unseen, np.nan, views.depth)[:, None].astype(np.float16)
    normals = np.where(unseen[:, None], np.nan, views.normals).astype(np.float16)
    classes = np.where(views.labelled, views.kind, -1).astype(np.int8)
    return {
        "image": torch.from_numpy((255 * np.clip(image, 0, 1)).round().astype(np.uint8)),
        "segmentation": torch.from_numpy(classes),
        "depth": torch.from_numpy(depth),
        "normals": torch.from_numpy(normals),
        "edges": borders(torch.from_numpy(views.surface)).to(torch.uint8),
        "scene": torch.from_numpy(rooms.scene.astype(np.int8)),
    }
