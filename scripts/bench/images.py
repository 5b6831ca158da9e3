"""Pictures in folders by class: the first start, the second one, and an epoch."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.measure import Row, in_turn, made
from mtl_cli.run.build import Run

COUNT, SIDE, CLASSES = 10_000, 96, 10
PART = 2_000  # pictures of the loops that decode
SECONDS = 2.0  # that a second start may take


def write_pictures(root: Path) -> None:
    """Smooth pictures of random colours, as PNG."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for i in range(COUNT):
        file = root / f"class {i % CLASSES}" / f"{i:05}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(draw.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file)


def words(root: Path, cache: Path) -> list[str]:
    """Of a run on them."""
    return [
        "dataset=images",
        f"dataset.path='{root}'",
        "dataset.targets={kind: multiclass}",
        f"dataset.cache='{cache}'",
        "encoder=cnn",
        "trainer.max_epochs=1",
        "trainer.watch_test=false",
    ]


def decoding_row(root: Path, folder: Path) -> Row:
    """One thread of ours, and torchvision's dataset example by example: each into one array."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms.functional import pil_to_tensor

    from mtl_cli.dataset.prepared.decoding import write
    from mtl_cli.dataset.prepared.plan import Decoding

    reference = ImageFolder(str(root), transform=pil_to_tensor)
    files = [Path(name) for name, _ in reference.samples[:PART]]
    decoding = Decoding(None, "resize", None, 10**8, "error", workers=1)

    def ours() -> None:
        to = Path(tempfile.mkdtemp(dir=folder))
        write(to, {"image": files}, decoding)

    def loop() -> None:
        array = torch.empty(PART, 3, SIDE, SIDE, dtype=torch.uint8)
        for i in range(PART):
            array[i] = reference[i][0]

    seconds = in_turn([ours, loop], 5)
    name = f"images: {PART:,} PNGs decoded, one core"
    return Row(name, "torchvision's loop", seconds, seconds[1] / seconds[0], "at least 0.9")


def start_rows(root: Path, folder: Path) -> Iterator[Row]:
    """The whole start of a run, of which the first decodes."""
    cache = folder / "cache"
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        made(*words(root, cache))
        times.append(time.perf_counter() - begin)
    first, second = times
    name = f"images: {COUNT:,} PNGs"
    yield Row(f"{name}, a second start", "a first start", [second, first], second / first, "")
    what = f"a second start of {SECONDS:g} s"
    yield Row(f"{name}, a second start", what, [second, SECONDS], second / SECONDS, "at most 1")


def epoch_row(root: Path, folder: Path) -> Row:
    """An epoch of the same examples, kept on disk and as a tensor in memory."""
    runs = {kind: [made(*words(root, folder / "cache")) for _ in range(4)] for kind in "ab"}
    for run in runs["b"]:
        loader: Any = run.trainer.loaders["train"]
        for rows in loader.sources.values():
            whole = {name: x.take(slice(None)) for name, x in rows.inputs.items()}
            object.__setattr__(rows, "inputs", whole)  # which else is kept as it is
    calls: list[Callable[[], None]] = [partial(train_one, runs[kind]) for kind in "ab"]
    seconds = in_turn(calls, 3)
    name = f"images: an epoch of {COUNT:,}"
    return Row(name, "the same from tensors", seconds, seconds[0] / seconds[1], "at most 1.15")


def train_one(runs: list[Run]) -> None:
    """Trains the last of some runs, which is then used up."""
    runs.pop().trainer.fit()


def images_rows() -> Iterator[Row]:
    """Of pictures that are made for it, in a throw-away folder."""
    folder = Path(tempfile.mkdtemp())
    try:
        root = folder / "pictures"
        write_pictures(root)
        yield decoding_row(root, folder)
        yield from start_rows(root, folder)
        yield epoch_row(root, folder)
    finally:
        shutil.rmtree(folder)
