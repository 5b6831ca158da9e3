"""ParityMNIST: every layout of the files, every fault in them, and what stands in for them."""

import gzip
import os
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset import parity_mnist
from mtl_cli.dataset.files import mnist as mnist_files
from mtl_cli.dataset.files.mnist import FILES, answers
from mtl_cli.dataset.parity_mnist import ParityMNIST

REAL = Path(os.environ.get("MTL_DATA", "/nowhere")) / "mnist"
NUMBERS = {"train": 200, "test": 50}
VALID = {"source": "mnist", "offline": True, "batch_size": 32}
VALID |= {"eval_batch_size": 64, "shuffle": True, "drop_last": False}
FOUR_PARTS = r" (must|reads) .*\.\n  found: \S.*\n  try:   \S"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whoever asks the network here fails, unless a test says what it answers."""

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(mnist_files, "answers", refuse)


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def made_up(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images whose first pixel is their number, and their digits, some rarer than others."""
    count = NUMBERS[split]
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    images[:, 0, 0] = np.arange(count)
    digits = np.arange(count) % 10
    digits[count // 2 :] = digits[count // 2 :] ** 2 % 10
    return images, digits.astype(np.uint8)


def contents() -> dict[str, bytes]:
    """{file name: what stands in it}."""
    parts = {
        (s, k): a for s in NUMBERS for k, a in zip(("images", "labels"), made_up(s), strict=True)
    }
    return {name: idx(parts[key]) for key, name in FILES.items()}


def write(folder: Path, packed: bool = True, **changed: bytes) -> Path:
    """The four files, packed or not; ``changed`` replaces one by the start of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents().items():
        data = next((new for start, new in changed.items() if name.startswith(start)), data)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (folder / name).write_bytes(data)
    return folder


def make(root: Path, **options) -> ParityMNIST:
    split = {key: options.pop(key) for key in ("val", "seed") if key in options}
    split = {"val": 0.1, "seed": 0} | split
    return ParityMNIST.of(root=str(root), **VALID | {"split": split} | options)


def images_of(dataset: ParityMNIST, split: str) -> np.ndarray:
    return dataset.splits[split].inputs["image"].numpy()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
def test_every_layout_of_the_files_is_read(below, packed, tmp_path):
    write(tmp_path / below, packed)
    dataset = make(tmp_path, val=0)
    assert (dataset.source, dataset.notice) == ("mnist", None)
    assert dataset.sizes == NUMBERS
    for split in NUMBERS:
        images, digits = made_up(split)
        np.testing.assert_array_equal(images_of(dataset, split).squeeze(1), images)
        targets = dataset.targets(split)
        np.testing.assert_array_equal(targets["digit"], digits)
        np.testing.assert_array_equal(targets["parity"], digits % 2)
        assert targets["digit"].dtype == targets["parity"].dtype == torch.int64


def test_packed_and_unpacked_files_may_lie_together(tmp_path):
    write(tmp_path, packed=True)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    labels = contents()["train-labels-idx1-ubyte"]
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    assert make(tmp_path).source == "mnist"


@pytest.mark.parametrize("val", [0.1, 0.25, 0.5])
def test_val_is_a_part_of_train_in_proportion_to_the_digits(val, tmp_path):
    dataset = make(write(tmp_path), val=val)
    count = round(NUMBERS["train"] * val)
    assert dataset.sizes == {"train": NUMBERS["train"] - count, "val": count, "test": 50}
    numbers = [images_of(dataset, split)[:, 0, 0, 0] for split in ("train", "val")]
    assert sorted(np.concatenate(numbers)) == list(range(NUMBERS["train"]))
    images, digits = made_up("train")
    share = val * np.bincount(digits)
    found = np.bincount(dataset.targets("val")["digit"], minlength=10)
    assert (abs(found - share) <= 1).all()
    for split, rows in zip(("train", "val"), numbers, strict=True):
        np.testing.assert_array_equal(images_of(dataset, split).squeeze(1), images[rows])
        np.testing.assert_array_equal(dataset.targets(split)["digit"], digits[rows])


def test_the_seed_decides_the_split(tmp_path):
    write(tmp_path)
    first, again, other = (images_of(make(tmp_path, seed=seed), "val") for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_batch_is_normalised_by_mean_and_deviation(tmp_path):
    dataset = make(write(tmp_path))
    for split in dataset.sizes:
        loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), 0)
        for batch in loader.batches(1):
            image = batch.inputs["image"]
            assert image.dtype == torch.float32
            assert image.shape[1:] == dataset.inputs["image"].shape
            number = ((image[:, 0, 0, 0] * 0.3081 + 0.1307) * 255).round().long()
            source, _ = made_up("test" if split == "test" else "train")
            expected = (source[number.numpy()].astype(np.float64) / 255 - 0.1307) / 0.3081
            assert_close(image.squeeze(1).double(), torch.from_numpy(expected), atol=2e-6, rtol=0)
            digit = torch.from_numpy(made_up("test" if split == "test" else "train")[1])[number]
            assert torch.equal(batch.targets["digit"], digit.long())


IMAGES, LABELS = made_up("train")
FAULTS = {
    "images cut": {"train-images": idx(IMAGES)[:-1]},
    "labels cut": {"t10k-labels": contents()["t10k-labels-idx1-ubyte"][:-3]},
    "empty file": {"t10k-images": b""},
    "labels for images": {"train-images": idx(LABELS)},
    "images for labels": {"train-labels": idx(IMAGES)},
    "a web page": {"train-labels": b"<html>Service Unavailable</html>"},
    "wrong magic": {"train-images": b"\1" + idx(IMAGES)[1:]},
    "fewer labels": {"train-labels": idx(LABELS[:-1])},
    "fewer images": {"train-images": idx(IMAGES[:-1])},
    "no example": {"train-images": idx(IMAGES[:0]), "train-labels": idx(LABELS[:0])},
    "small images": {"train-images": idx(np.ascontiguousarray(IMAGES[:, 2:, 2:]))},
    "a digit above 9": {"train-labels": idx(np.where(LABELS == 9, 10, LABELS).astype(np.uint8))},
}


@pytest.mark.parametrize("source", ["mnist", "auto"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("changed", FAULTS.values(), ids=FAULTS)
def test_a_fault_in_the_files_is_told_and_never_passed_over(changed, packed, source, tmp_path):
    write(tmp_path, packed, **changed)
    with pytest.raises(Problem, match=FOUR_PARTS) as error:
        make(tmp_path, source=source)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("source", ["mnist", "auto"])
def test_a_packed_file_that_is_damaged_is_told(source, tmp_path):
    path = write(tmp_path) / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Problem, match=FOUR_PARTS) as error:
        make(tmp_path, source=source)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", FILES.values())
def test_mnist_never_falls_back(name, tmp_path, monkeypatch):
    monkeypatch.setattr(parity_mnist, "load_digits", lambda seed: pytest.fail("it fell back"))
    (write(tmp_path) / f"{name}.gz").unlink()
    with pytest.raises(Problem, match=rf"{FOUR_PARTS}") as error:
        make(tmp_path)
    assert "offline=true" in str(error.value)
    monkeypatch.setattr(mnist_files, "answers", lambda url: False)
    with pytest.raises(Problem, match="no network"):
        make(tmp_path, offline=False)


def test_digits_never_ask_the_network_nor_read_the_folder(tmp_path):
    write(tmp_path, **{"train-images": b"broken"})
    dataset = make(tmp_path, source="digits", offline=False)
    assert dataset.source == "digits"


@pytest.mark.parametrize("offline", [True, False])
def test_auto_without_files_and_network_falls_back_and_says_so(offline, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_files, "answers", lambda url: offline)  # never asked where offline
    dataset = make(tmp_path, source="auto", offline=offline)
    assert dataset.source == "digits"
    assert "not MNIST" in dataset.notice
    assert not any(tmp_path.iterdir())


def test_auto_reads_mnist_where_it_is_at_hand(tmp_path):
    assert make(write(tmp_path), source="auto", offline=False).source == "mnist"


def bilinear(image: np.ndarray) -> np.ndarray:
    """An 8x8 image as 28x28, by the formula: each pixel's centre between its four neighbours'."""
    centre = ((np.arange(28) + 0.5) * 8 / 28 - 0.5).clip(0, 7)
    left = np.minimum(centre.astype(int), 6)
    weight = np.zeros((28, 8))
    weight[range(28), left] = 1 - (centre - left)
    weight[range(28), left + 1] = centre - left
    return weight @ image @ weight.T


def test_the_bundled_digits_are_resized_bilinearly_and_split_in_proportion(tmp_path):
    dataset = make(tmp_path, source="digits")
    assert dataset.sizes == {"train": 1293, "val": 144, "test": 360}
    real = load_digits()
    resized = np.stack([bilinear(image / 16 * 255) for image in real.images])
    parts = [images_of(dataset, split).squeeze(1) for split in dataset.sizes]
    found = np.concatenate(parts).astype(np.float64).reshape(1797, -1)
    flat = resized.reshape(1797, -1)
    distance = (found**2).sum(1)[:, None] - 2 * found @ flat.T + (flat**2).sum(1)
    nearest = distance.argmin(1)
    assert abs(found - flat[nearest]).max() <= 0.5 + 1e-3  # rounded to bytes
    assert len(set(nearest)) >= 1790  # each example once (a few are alike)
    labels = np.concatenate([dataset.targets(split)["digit"] for split in dataset.sizes])
    np.testing.assert_array_equal(labels, real.target[nearest])
    counts = np.bincount(real.target)
    for split, share in {"train": 0.72, "val": 0.08, "test": 0.2}.items():
        assert (abs(np.bincount(dataset.targets(split)["digit"]) - share * counts) <= 2).all()


class FakeMNIST:
    """Downloads as torchvision does: file by file, each in its place and in pieces."""

    mirrors = ("https://mirror.invalid/",)
    started: threading.Event
    go_on: threading.Event
    downloads: int

    def __init__(self, root: str, download: bool) -> None:
        assert download
        FakeMNIST.downloads += 1
        raw = Path(root) / "MNIST" / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        for i, (name, data) in enumerate(contents().items()):
            with open(raw / name, "wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                if i == len(FILES) - 1:
                    FakeMNIST.started.set()
                    FakeMNIST.go_on.wait(10)
                file.write(data[len(data) // 2 :])


@pytest.fixture
def fake_mnist(monkeypatch):
    """A network that answers, from which a fake of torchvision's class downloads."""
    monkeypatch.setattr(mnist_files, "answers", lambda url: True)
    monkeypatch.setattr("torchvision.datasets.MNIST", FakeMNIST)
    monkeypatch.setattr(FakeMNIST, "downloads", 0, raising=False)
    for name in ("started", "go_on"):
        monkeypatch.setattr(FakeMNIST, name, threading.Event(), raising=False)
    FakeMNIST.go_on.set()
    yield FakeMNIST
    socket.setdefaulttimeout(None)


def load_in_threads(root: Path, count: int) -> tuple[list[threading.Thread], list]:
    """Starts jobs that all load the data; what each got, or its error, comes into the list."""
    results: list = []

    def load() -> None:
        try:
            results.append(make(root, offline=False).sizes)
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=load) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, results


def test_what_is_missing_is_downloaded_and_the_next_run_reads_it(tmp_path, fake_mnist):
    dataset = make(tmp_path / "new" / "mnist", source="auto", offline=False)
    assert (dataset.source, dataset.notice) == ("mnist", None)
    assert make(tmp_path / "new" / "mnist", offline=True).sizes == dataset.sizes
    assert fake_mnist.downloads == 1
    assert socket.getdefaulttimeout() is None


def test_jobs_that_start_at_once_download_once(tmp_path, fake_mnist):
    fake_mnist.go_on.clear()
    threads, results = load_in_threads(tmp_path / "mnist", 3)
    fake_mnist.started.wait(10)
    time.sleep(0.2)  # until the others wait, too
    fake_mnist.go_on.set()
    for thread in threads:
        thread.join(30)
    assert results == [{"train": 180, "val": 20, "test": 50}] * 3
    assert fake_mnist.downloads == 1


def test_a_job_that_starts_during_a_download_reads_no_half_file(tmp_path, fake_mnist):
    fake_mnist.go_on.clear()
    first, first_results = load_in_threads(tmp_path / "mnist", 1)
    fake_mnist.started.wait(10)  # all four files are there, the last one not whole
    second, second_results = load_in_threads(tmp_path / "mnist", 1)
    second[0].join(0.3)
    fake_mnist.go_on.set()
    for thread in (*first, *second):
        thread.join(30)
    assert second_results == first_results == [{"train": 180, "val": 20, "test": 50}]


@pytest.mark.parametrize("error", [RuntimeError("corrupted"), OSError("reset"), TimeoutError()])
def test_a_download_that_breaks_off_is_no_data(error, tmp_path, fake_mnist, monkeypatch):
    def fail(self, root, download):
        raise error

    monkeypatch.setattr(FakeMNIST, "__init__", fail)
    assert make(tmp_path, source="auto", offline=False).source == "digits"
    with pytest.raises(Problem, match=FOUR_PARTS):
        make(tmp_path, offline=False)
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("below", ["file", "file/mnist"])
@pytest.mark.parametrize("offline", [True, False])
def test_a_root_that_cannot_be_a_folder_is_told(offline, below, tmp_path, fake_mnist):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Problem, match=r"^dataset\.root must"):
        make(tmp_path / below, offline=offline)
    assert make(tmp_path / below, source="auto", offline=offline).source == "digits"


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (None, True),
        (urllib.error.HTTPError("", 403, "Forbidden", None, None), True),
        (urllib.error.URLError("no such host"), False),
        (TimeoutError(), False),
        (ConnectionResetError(), False),
    ],
)
def test_a_server_answers_where_anything_comes_back(error, answered, monkeypatch):
    def ask(url, timeout):
        if error is not None:
            raise error
        return open(os.devnull)

    monkeypatch.setattr(urllib.request, "urlopen", ask)
    assert answers("https://mirror.invalid/") is answered


def test_a_name_that_is_looked_up_for_ever_is_no_answer(monkeypatch):
    end = threading.Event()

    def ask(url, timeout):
        end.wait(5)
        return open(os.devnull)

    monkeypatch.setattr(mnist_files, "NETWORK_SECONDS", 0.05)
    monkeypatch.setattr(urllib.request, "urlopen", ask)
    begin = time.monotonic()
    assert answers("https://mirror.invalid/") is False
    assert time.monotonic() - begin < 4
    end.set()


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("source", wrong) for wrong in ("mnits", "", None)),
        *(("split.val", wrong) for wrong in (-0.1, 0.95, "x", None)),
        *(("split.seed", wrong) for wrong in (-1, 0.5, None)),
        *(("batch_size", wrong) for wrong in (0, "32")),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong, tmp_path):
    with pytest.raises(Problem, match=rf"^dataset\.{option} must be"):
        make(write(tmp_path), **{option.removeprefix("split."): wrong})


@pytest.mark.skipif(not REAL.is_dir(), reason="MTL_DATA names no folder with mnist/")
def test_the_real_files_have_mnists_sizes_and_digits():
    dataset = make(REAL, val=0)
    assert dataset.sizes == {"train": 60000, "test": 10000}
    train, test = (dataset.targets(split) for split in ("train", "test"))
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train["digit"].bincount().tolist() == counts
    assert test["digit"].bincount().tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert train["parity"].bincount().tolist() == [sum(counts[::2]), sum(counts[1::2])]
    pixels = images_of(dataset, "train") / np.float32(255)
    assert (pixels.mean(), pixels.std()) == pytest.approx((0.1307, 0.3081), abs=1e-4)
