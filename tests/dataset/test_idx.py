"""Sets in MNIST's format, whole and written out as PNG: the inputs of ParityMNIST to the bit."""

import csv
import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.idx import Idx
from mtl_cli.dataset.images import Images
from mtl_cli.dataset.parity_mnist import ParityMNIST
from mtl_cli.dataset.readers.digits import DEVIATION, MEAN
from tests.dataset import test_images

PARITY = {"kind": "multiclass", "map": {str(k): ("even", "odd")[k % 2] for k in range(10)}}
TARGETS = {"digit": "multiclass", "parity": PARITY}
BATCHES = {"batch_size": 32, "eval_batch_size": 500, "shuffle": False, "drop_last": False}
SPLIT = test_images.SPLIT | {"val": 0.1}


def digits() -> ParityMNIST:
    """scikit-learn's digits, as they stand in for MNIST."""
    return ParityMNIST.of(
        source="digits", root="", offline=True, split={"val": 0.1, "seed": 0}, **BATCHES
    )


def write_idx(path: Path, array: np.ndarray) -> None:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    data = head + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_set(root: Path, prefix: str = "", test: str = "t10k", count: int = 40) -> Path:
    draw = np.random.default_rng(0)
    for split in ("train", test):
        images = draw.integers(0, 256, (count, 5, 7))
        write_idx(root / f"{prefix}{split}-images-idx3-ubyte.gz", images)
        write_idx(root / f"{prefix}{split}-labels-idx1-ubyte", np.arange(count) % 4)
    return root


def made(path: Path, **options: Any) -> Idx:
    own = {"targets": {"label": "multiclass"}, "transpose": False, "split": SPLIT}
    own |= {"origin": None, "normalise": None, "augment": None}
    return Idx.of(path=str(path), **own | BATCHES | options)


def batches(dataset: Any, split: str) -> list[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
    loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), 0)
    return [(batch.inputs["image"], batch.targets) for batch in loader.batches(1)]


def as_pngs(reference: ParityMNIST, root: Path) -> Path:
    """Its images as files, in its order, and a table of paths, labels and splits."""
    rows = []
    for split, own in reference.splits.items():
        images, labels = own.inputs["image"], own.targets["digit"]
        assert isinstance(images, torch.Tensor)
        for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            file = root / str(label) / f"{split}_{i:04}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0].numpy()).save(file)
            rows.append([file.relative_to(root), label, split])
    with (root / "digits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "digit", "split"], *rows])
    return root / "digits.csv"


def test_digits_as_files_are_parity_mnist_to_the_bit(tmp_path):
    reference = digits()
    options = test_images.VALID | BATCHES | {"normalise": [MEAN, DEVIATION]}
    targets = TARGETS | {"parity": PARITY | {"column": "digit"}}
    split = SPLIT | {"by": "column", "column": "split"}
    path = as_pngs(reference, tmp_path)
    dataset = Images.of(**options | {"path": str(path), "targets": targets, "split": split})
    assert dataset.sizes == reference.sizes
    for split in reference.sizes:
        for (x, y), (x2, y2) in zip(
            batches(dataset, split), batches(reference, split), strict=True
        ):
            assert torch.equal(x, x2)
            assert all(torch.equal(y[task], y2[task]) for task in ("digit", "parity"))
    map_of = ", ".join(f"{label}: {name}" for label, name in PARITY["map"].items())
    parity = f"{{kind: multiclass, column: digit, map: {{{map_of}}}}}"
    words = ["trainer.max_epochs=1", "pictures={curves: false, metrics: false, examples: 0}"]
    words += ["encoder=mlp", "optimizer=adam", "scheduler=none", "trainer=default", "device=cpu"]
    words += [f"dataset.{key}={value}".lower() for key, value in BATCHES.items()]
    one = ["dataset=parity_mnist", "dataset.source=digits"]
    two = ["dataset=images", f"dataset.path={path}", "dataset.cache=false"]
    two += [f"dataset.targets={{digit: multiclass, parity: {parity}}}"]
    two += ["dataset.split={by: column, column: split}", f"dataset.normalise=[{MEAN},{DEVIATION}]"]
    for name, own in (("one", one), ("two", two)):
        mtl_cli.train([*own, *words, f"hydra.run.dir={tmp_path / name}"])
    figures = [(tmp_path / name / "metrics.csv").read_text() for name in ("one", "two")]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("prefix", ["", "emnist-letters-"])
def test_four_files_are_a_set(prefix, tmp_path):
    root = write_set(tmp_path, prefix, "test" if prefix else "t10k")
    write_set(tmp_path, "emnist-digits-", "test") if prefix else None
    dataset = made(root / prefix.rstrip("-") if prefix else root, transpose=bool(prefix))
    assert dataset.sizes == {"train": 36, "val": 4, "test": 40}
    draw = np.random.default_rng(0)
    train = draw.integers(0, 256, (40, 5, 7))
    test = draw.integers(0, 256, (40, 5, 7)).astype(np.uint8)
    (image, targets), *_ = batches(dataset, "test")
    own = (image[:, 0] * dataset.pixels[1] + dataset.pixels[0]) * 255
    expected = test.transpose(0, 2, 1) if prefix else test
    np.testing.assert_array_equal(own.round().byte(), expected[: len(own)])
    assert targets["label"].tolist() == (np.arange(len(own)) % 4).tolist()
    assert dataset.pixels[0] == pytest.approx((train / 255).mean(), abs=0.02)


def test_sets_that_are_not_whole(tmp_path):
    root = write_set(tmp_path / "a")
    (root / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(Problem, match="no train labels-idx1 file"):
        made(root)
    root = write_set(write_set(tmp_path / "b", "one-"), "two-")
    with pytest.raises(Problem) as error:
        made(root)
    assert made(Path(error.value.fix.removeprefix("dataset.path="))).sizes["test"] == 40
    with pytest.raises(Problem, match="reads the one label"):
        made(root / "one", targets={"a": {"kind": "binary", "column": "b"}})
    with pytest.raises(Problem, match="images have no columns"):
        made(root / "one", split=SPLIT | {"by": "time", "column": "day"})
