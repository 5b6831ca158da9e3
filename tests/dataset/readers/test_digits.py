"""New images of digits: read as training read them, from files, folders and MNIST's own format."""

import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.idx import read_idx
from mtl_cli.dataset.parity_mnist import ParityMNIST
from mtl_cli.dataset.readers import digits as digit_reader
from mtl_cli.dataset.readers.digits import DigitReader

READER = DigitReader()
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    sizes = np.array([0x800 + array.ndim, *array.shape], dtype=">u4")
    return sizes.tobytes() + array.astype(np.uint8).tobytes()


def read(path: Path, *tasks: str) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict]:
    parts = list(READER.read(path, "image", 3, tasks))
    targets = {task: torch.cat([part.targets[task] for part in parts]) for task in tasks}
    names: dict[str, list] = {key: [] for key in parts[0].names}
    for part in parts:
        for key, values in part.names.items():
            names[key] += pyarrow.array(values).to_pylist()
    return torch.cat([part.inputs["image"] for part in parts]), targets, names


def by_hand(pixels: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(pixels).unsqueeze(1) / 255 - 0.1307) / 0.3081


@pytest.mark.parametrize("packed", [False, True])
def test_mnists_own_format_is_read_in_parts(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digit_reader, "ROWS_AT_ONCE", 2)
    digits = np.arange(3, 10)
    for name, array in (("images-idx3", PIXELS), ("labels-idx1", digits)):
        data = idx(array)
        file = tmp_path / f"t10k-{name}-ubyte{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(data) if packed else data)
    file = next(tmp_path.glob("*images*"))
    image, targets, names = read(file, "digit", "parity")
    torch.testing.assert_close(image, by_hand(PIXELS))
    assert targets["digit"].tolist() == digits.tolist()
    assert targets["parity"].tolist() == [d % 2 for d in digits]
    assert names == {"file": [file.name] * 7, "row": list(range(1, 8))}
    assert READER.count(file) == 7


def test_an_image_file_a_folder_and_a_glob(tmp_path: Path) -> None:
    for i, digit in enumerate([3, 8, 8]):
        (tmp_path / str(digit)).mkdir(exist_ok=True)
        Image.fromarray(PIXELS[i]).save(tmp_path / str(digit) / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no image")
    image, targets, names = read(tmp_path, "digit")
    torch.testing.assert_close(image, by_hand(PIXELS[:3]))
    assert targets["digit"].tolist() == [3, 8, 8]
    assert names == {"file": ["3/0.png", "8/1.png", "8/2.png"]}
    image, _, names = read(tmp_path / "8" / "1.png")
    torch.testing.assert_close(image, by_hand(PIXELS[1:2]))
    assert names == {"file": ["1.png"]}
    assert len(read(tmp_path / "8" / "*.png")[0]) == READER.count(tmp_path / "8") == 2


def test_other_images_become_grey_and_small(tmp_path: Path) -> None:
    large = Image.fromarray(PIXELS[0]).resize((56, 56), Image.Resampling.NEAREST)
    Image.merge("RGB", [large] * 3).save(tmp_path / "x.png")
    image, _, _ = read(tmp_path / "x.png")
    assert image.shape == (1, 1, 28, 28)
    grey = large.resize((28, 28), Image.Resampling.BILINEAR)
    torch.testing.assert_close(image, by_hand(np.asarray(grey)[None].copy()))


def test_it_reads_as_the_dataset_does() -> None:
    options = {"source": "digits", "root": "nowhere", "offline": True}
    options |= {"batch_size": 8, "eval_batch_size": 8, "shuffle": True, "drop_last": False}
    data = ParityMNIST.of(**options, split={"val": 0.1, "seed": 0})
    assert data.reader.inputs == data.inputs
    x = data.splits["test"].inputs["image"][:5]
    prepared = data.prepare({"image": x})["image"]
    torch.testing.assert_close(prepared, by_hand(x.squeeze(1).numpy()))


def test_its_state_makes_it_again() -> None:
    assert DigitReader.from_state(READER.state()).inputs == READER.inputs
    with pytest.raises(TypeError):
        DigitReader.from_state({"size": 3})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (idx(PIXELS)[:-1], "ends 1 rows too early"),
        (idx(PIXELS) + b"x", "goes on after the last"),
        (gzip.compress(idx(PIXELS))[:-9], "must hold the bytes"),
        (idx(PIXELS[:, :9]), "28x28"),
        (b"no image", "must be an image"),
        (b"", "must be an image"),
    ],
)
def test_damaged_files_are_told_in_words(data: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / ("images.gz" if data[:1] == b"\x1f" else "images")
    file.write_bytes(data)
    with pytest.raises(Problem, match=message):
        read(file)


def test_a_truncated_image_is_told_by_its_name(tmp_path: Path) -> None:
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(Problem, match=r"b\.png"):
        read(tmp_path)


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(PIXELS))
    with pytest.raises(Problem, match="which holds t10k-images-idx3-ubyte"):
        read(tmp_path)


def test_labels_have_to_be_there_and_known(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(PIXELS))
    with pytest.raises(Problem, match="no labels-idx1-ubyte"):
        read(tmp_path / "images-idx3-ubyte", "digit")
    for labels in (np.arange(6), np.arange(7) + 9):
        (tmp_path / "labels-idx1-ubyte").write_bytes(idx(labels))
        with pytest.raises(Problem, match="must hold 7 labels from 0 to 9"):
            read(tmp_path / "images-idx3-ubyte", "digit")
    Image.fromarray(PIXELS[0]).save(tmp_path / "x.png")
    with pytest.raises(Problem, match="which the model does not know"):
        read(tmp_path / "x.png", "digit")


@pytest.mark.skipif("MTL_DATA" not in os.environ, reason="needs MTL_DATA")
def test_mnist_is_read_as_by_the_reader_of_whole_files() -> None:
    file = Path(os.environ["MTL_DATA"]) / "mnist" / "t10k-images-idx3-ubyte.gz"
    image, targets, _ = read(file, "digit")
    torch.testing.assert_close(image, by_hand(read_idx(file, 3).copy()))
    assert targets["digit"].bincount().tolist()[:3] == [980, 1135, 1032]
