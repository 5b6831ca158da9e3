"""One epoch on a folder of ``.npy`` maps: reading, augmentation, steps, and figures of val."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench import measure
from bench.dense import CLASSES
from bench.measure import Row, in_turn, made
from mtl_cli.command_line.cli import compose_run
from mtl_cli.run.build import Run, make_dataset
from mtl_cli.training.evaluation import evaluate

COUNT, VAL, TEST, SIZE, BATCH = 200, 0.2, 2, (96, 128), 8
EPOCHS = 3  # that are measured
SCALES = (1.0, 1.2, 1.5)
Example = tuple[Tensor, Tensor, Tensor, Tensor]


def write(root: Path) -> None:
    """Pictures with maps as papers share them: an array of doubles in a file each."""
    draw = np.random.default_rng(0)
    for split, count in (("train", COUNT), ("val", TEST)):
        for i in range(count):
            gone = draw.random((*SIZE, 1)) < 0.1
            normal = draw.standard_normal((*SIZE, 3))
            arrays = {
                "image": draw.random((*SIZE, 3)),
                "label": np.where(gone[..., 0], -1.0, draw.integers(0, CLASSES, SIZE)),
                "depth": np.where(gone, 0, draw.uniform(0.5, 9, (*SIZE, 1))),
                "normal": np.where(gone, 0, normal / np.linalg.norm(normal, axis=2)[..., None]),
            }
            for name, array in arrays.items():
                file = root / split / name / f"{i}.npy"
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, array.astype(np.float64))


class OneByOne(torch.utils.data.Dataset[Example]):
    """Opens the four files of an example, and moves it alone, when it is asked for."""

    def __init__(self, root: Path, numbers: list[int], augment: bool) -> None:
        self.root, self.numbers, self.augment = root, numbers, augment

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: int) -> Example:
        i = self.numbers[at]
        image, label, depth, normal = (
            torch.from_numpy(np.load(self.root / name / f"{i}.npy"))
            for name in ("image", "label", "depth", "normal")
        )
        found = (
            image.moveaxis(-1, 0).float(),
            label.float(),
            depth.moveaxis(-1, 0).float(),
            normal.moveaxis(-1, 0).float(),
        )
        return moved(*found) if self.augment else found


def moved(image: Tensor, label: Tensor, depth: Tensor, normal: Tensor) -> Example:
    """A part of one example enlarged, then flipped by chance, as published code has it."""
    scale = SCALES[int(np.random.randint(len(SCALES)))]
    height, width = (int(side / scale) for side in SIZE)
    top, left = (np.random.randint(n - m + 1) for n, m in zip(SIZE, (height, width), strict=True))

    def part(x: Tensor, mode: str) -> Tensor:
        cut = x[None, :, top : top + height, left : left + width]
        corners = {"align_corners": True} if mode == "bilinear" else {}
        return F.interpolate(cut, size=SIZE, mode=mode, **corners)[0]

    image, normal = part(image, "bilinear"), part(normal, "bilinear")
    label, depth = part(label[None], "nearest")[0], part(depth, "nearest") / scale
    if np.random.rand() < 0.5:
        image, label, depth, normal = (x.flip(-1) for x in (image, label, depth, normal))
        normal[0] *= -1
    return image, label, depth, normal


class Figures:
    """Figures of an epoch by NumPy, after every step."""

    def __init__(self) -> None:
        self.matrix = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        self.errors: list[tuple[float, float, int]] = []
        self.angles: list[np.ndarray] = []

    def add(self, outputs: dict[str, Tensor], batch: list[Tensor]) -> None:
        _, label, depth, normal = (x.cpu().numpy() for x in batch)
        classes = outputs["segmentation"].detach().argmax(1).cpu().numpy()
        there = label >= 0
        index = CLASSES * label[there].astype(np.int64) + classes[there]
        self.matrix += np.bincount(index, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
        known = depth.sum(1, keepdims=True) != 0
        error = np.abs(outputs["depth"].detach().cpu().numpy()[known] - depth[known])
        self.errors.append((error.mean(), (error / depth[known]).mean(), len(depth)))
        unit = F.normalize(outputs["normals"].detach(), dim=1).cpu().numpy()
        cosine = (unit * normal).sum(1)[normal.sum(1) != 0]
        self.angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    def found(self) -> list[float]:
        hits = np.diag(self.matrix)
        union = self.matrix.sum(0) + self.matrix.sum(1) - hits
        angles = np.concatenate(self.angles)
        errors = np.average([e[:2] for e in self.errors], 0, [e[2] for e in self.errors])
        shares = [float((angles < limit).mean()) for limit in (11.25, 22.5, 30)]
        middle = [float(angles.mean()), float(np.median(angles))]
        return [float((hits / union).mean()), *map(float, errors), *middle, *shares]


def loss_of(outputs: dict[str, Tensor], batch: list[Tensor]) -> Tensor:
    """As published code has it."""
    _, label, depth, normal = batch
    known = (depth.sum(1, keepdim=True) != 0).float()
    far = ((outputs["depth"] - depth).abs() * known).sum() / known.sum()
    seen = (normal.sum(1, keepdim=True) != 0).float()
    unit = F.normalize(outputs["normals"], dim=1)
    turned = 1 - ((unit * normal).sum(1, keepdim=True) * seen).sum() / seen.sum()
    return F.cross_entropy(outputs["segmentation"], label.long(), ignore_index=-1) + far + turned


def passed(model: Any, optimizer: Any, batch: list[Tensor]) -> dict[str, Tensor]:
    """The outputs of a step, or of an evaluation where nothing is trained."""
    with torch.set_grad_enabled(optimizer is not None):
        outputs: dict[str, Tensor] = model({"image": batch[0]})
        loss = loss_of(outputs, batch)
    if optimizer is not None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return outputs


def one_by_one(model: Any, optimizer: Any, root: Path) -> Callable[[], None]:
    """An epoch as published code has it: train and val, each with its figures.

    Args:
        model: gives the outputs of a batch.
        optimizer: None: nothing is trained.
        root: of the files.
    """
    order, held = list(range(COUNT)), round(VAL * COUNT)
    parts = [(order[held:], True), (order[:held], False)]

    def epoch() -> None:
        for numbers, train in parts:
            data, figures = OneByOne(root / "train", numbers, train), Figures()
            for batch in torch.utils.data.DataLoader(data, BATCH, shuffle=train):
                own = [x.to(measure.DEVICE) for x in batch]
                if optimizer is None:
                    figures.add(model({"image": own[0]}), own)
                    continue
                model.train(train)
                figures.add(passed(model, optimizer if train else None, own), own)
            assert np.isfinite(figures.found()).all()

    return epoch


def without_model(run: Run, fixed: Callable[..., dict[str, Tensor]]) -> Callable[[], None]:
    """All of our epoch but the steps and the model's outputs: batches of train, figures of val."""
    names = list(run.model.tasks)

    def epoch() -> None:
        for _ in run.trainer.loaders["train"].batches(1):
            continue
        evaluate(run.model, run.trainer.loaders["val"], names, measure.DEVICE)

    run.model.forward = fixed  # type: ignore[method-assign]
    return epoch


def npy_rows() -> Iterator[Row]:
    """An epoch against files that are opened and moved one by one, and a second start."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "nyuv2"
        write(root)
        words = ["dataset=nyuv2", f"dataset.path={root}", f"dataset.cache={folder}/cache"]
        words += [f"dataset.split.val={VAL}", f"dataset.eval_batch_size={BATCH}"]
        words += ["trainer.max_epochs=1", f"dataset.batch_size={BATCH}"]
        seconds = [again(words) for _ in range(6)][1:]
        took = statistics.median(seconds)
        yield Row("npy: second start", "limit", [took, 1.0], took, "at most 1")

        name = f"npy: {COUNT} pictures of {SIZE[0]} x {SIZE[1]}"
        run = made(*words)
        example = torch.rand(BATCH, 3, *SIZE, device=measure.DEVICE)
        with torch.no_grad():
            outputs = run.model({"image": example})
        calls: list[Callable[[], Any]] = [
            without_model(run, lambda *_: outputs),
            one_by_one(lambda *_: outputs, None, root),
        ]
        ours, theirs = in_turn(calls, 7)
        reference = "files one by one, NumPy"
        what = f"{name}, reading, augmentation and figures"
        yield Row(what, reference, [ours, theirs], theirs / ours, "at least 3")

        runs = [made(*words) for _ in range(EPOCHS + 1)]
        model = copy.deepcopy(runs[0].model)
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        calls = [lambda: runs.pop().trainer.fit(), one_by_one(model, optimizer, root)]
        ours, theirs = in_turn(calls, EPOCHS)
        what = f"{name}, an epoch of ResNet-18"
        yield Row(what, reference, [ours, theirs], theirs / ours, "at least 1")


def again(words: list[str]) -> float:
    """The seconds in which the data is there, once it was read."""
    cfg, _ = compose_run("train", [*words, f"hydra.run.dir={tempfile.mkdtemp()}/run"])
    begin = time.perf_counter()
    make_dataset(cfg)
    return time.perf_counter() - begin
