"""ParityMNIST: which digit an image shows, and whether it is odd.

Images of Y. LeCun & C. Cortes, "The MNIST database of handwritten digits". Where they are neither
at hand nor to be downloaded, scikit-learn's bundled real digits (E. Alpaydin & C. Kaynak, "Optical
Recognition of Handwritten Digits", UCI, 1998) stand in, and every result says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, check_number, problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.files.mnist import Images, load_mnist
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.readers.digits import DIGITS, DigitReader, normalise
from mtl_cli.dataset.splits.options import checked


class ParityMNIST(InMemoryDataset):
    """Input ``image`` [1, 28, 28]; tasks ``digit`` (10 classes) and ``parity`` (even 0, odd 1).

    Images are kept as bytes and normalised by MNIST's mean and deviation a few batches at a time,
    which is as fast as keeping floats, in a quarter of the memory.

    Args:
        source: ``mnist`` (never anything else), ``digits`` (the bundled ones; no network), or
            ``auto`` (MNIST where it is at hand or can be downloaded, else the bundled ones).
        root: the folder with MNIST's four IDX files, packed or not, or of torchvision's layout.
        offline: never asks the network.
        split: ``val``, the share of train that becomes val, in proportion to the classes, and the
            ``seed`` of its draw, and of the bundled digits' test split.
        batching: see `InMemoryDataset`.
    """

    def __init__(
        self,
        source: str,
        root: str,
        offline: bool,
        split: Mapping[str, Any],
        batching: Batching,
    ) -> None:
        check_choice("dataset.source", source, ["auto", "mnist", "digits"], "dataset.source=auto")
        check_boolean("offline", offline)
        dealt = checked(split, "dataset.split", ["val", "seed"])
        val: Any = dealt.get("val")
        seed: Any = dealt.get("seed")
        check_number("dataset.split.val", val, "dataset.split.val=0.1", 0, 0.9)
        check_integer("dataset.split.seed", seed, 0, "dataset.split.seed=0")
        images = None if source == "digits" else load_mnist(Path(root).expanduser(), offline)
        if images is None and source == "mnist":
            rule = "must hold MNIST's four IDX files, or be a folder to download them to"
            found = f"not all of them in {root}, and " + (
                "offline=true" if offline else "no network"
            )
            raise problem(
                "dataset.root", rule, found, "dataset.root=<folder>, or dataset.source=digits"
            )
        if images is None:
            self.notice = "scikit-learn's bundled digits, not MNIST"
            images = load_digits(seed)
        super().__init__(
            splits=make_splits(images, val, seed),
            inputs={"image": Dense((1, 28, 28))},
            tasks={"digit": "image", "parity": "image"},
            source="mnist" if self.notice is None else "digits",
            batching=batching,
        )
        self.class_names = {"digit": DIGITS, "parity": ["even", "odd"]}
        self.drawn = ["val"] if self.notice is None else ["val", "test"]
        self.reader = DigitReader()

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        image = inputs["image"]
        assert isinstance(image, Tensor)
        return {"image": normalise(image)}


def make_splits(images: Images, val_share: float, seed: int) -> dict[str, Rows]:
    """Sets a part of train aside as val, in proportion to the classes."""
    train_images, train_digits = images["train"]
    parts = dict(images)
    if val_share > 0:
        from sklearn.model_selection import train_test_split

        rows = np.arange(len(train_digits))
        train, val = train_test_split(
            rows, test_size=val_share, stratify=train_digits, random_state=seed
        )
        parts = {
            "train": (train_images[train], train_digits[train]),
            "val": (train_images[val], train_digits[val]),
            "test": images["test"],
        }
    return {split: make_table(*part) for split, part in parts.items()}


def make_table(images: np.ndarray, digits: np.ndarray) -> Rows:
    digit = torch.from_numpy(digits.astype(np.int64))
    image = torch.from_numpy(np.array(images)).unsqueeze(1)  # [N, 1, 28, 28] bytes
    return Rows({"image": image}, {"digit": digit, "parity": digit % 2})


def load_digits(seed: int) -> Images:
    """The bundled digits (1797 of 8x8, values to 16) as 28x28 bytes; a fifth is the test split."""
    from sklearn.datasets import load_digits as load
    from sklearn.model_selection import train_test_split

    digits = load()
    small = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    large = torch.nn.functional.interpolate(
        small, size=(28, 28), mode="bilinear", align_corners=False
    )
    pixels = (large.squeeze(1) * 255).round().byte().numpy()
    train, test = train_test_split(
        np.arange(len(pixels)), test_size=0.2, stratify=digits.target, random_state=seed
    )
    labels = digits.target.astype(np.uint8)
    return {"train": (pixels[train], labels[train]), "test": (pixels[test], labels[test])}
