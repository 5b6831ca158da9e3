"""Files in MNIST's format that are not MNIST's: the command that is offered has them as arrays."""

import shlex
import struct

import numpy as np
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.mnist import FILES, load_mnist


def test_letters_become_arrays_of_pictures_and_labels(tmp_path, monkeypatch):
    folder = tmp_path / "letters (é)"
    folder.mkdir()
    generator = np.random.default_rng(0)
    arrays = {}
    for (split, kind), name in FILES.items():
        shape = (6, 28, 28) if kind == "images" else (6,)
        array = generator.integers(1, 27, shape, dtype=np.uint8)
        head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *shape)
        (folder / name).write_bytes(head + array.tobytes())
        arrays[split, kind] = array
    with pytest.raises(Problem, match="must be MNIST's: images of 28x28") as error:
        load_mnist(folder, offline=True)
    fix = str(error.value).partition("try:   ")[2]
    monkeypatch.chdir(tmp_path)
    code, train = shlex.split(fix.partition(", then ")[0])[2], fix.partition(", then ")[2]
    exec(code, {})
    assert shlex.split(train)[2] == 'dataset.path="letters (é).npz"'
    with np.load("letters (é).npz") as made:
        pixels = np.concatenate([arrays[split, "images"] for split in ("train", "test")])
        np.testing.assert_array_equal(made["image"], pixels[:, None] / np.float32(255))
        assert made["label"].tolist() == [
            *arrays["train", "labels"].tolist(),
            *arrays["test", "labels"].tolist(),
        ]
