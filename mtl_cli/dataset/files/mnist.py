"""MNIST's four files: found in a folder, or downloaded to it by torchvision.

Y. LeCun, C. Cortes & C. J. C. Burges, "The MNIST database of handwritten digits",
http://yann.lecun.com/exdb/mnist.
"""

import json
import os
import shlex
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.basis.shell import as_word
from mtl_cli.dataset.files.idx import read_idx

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}
NETWORK_SECONDS = 8  # to wait for a first answer before the network counts as not there

Images = dict[str, tuple[np.ndarray, np.ndarray]]  # {split: (images [N, 28, 28], digits [N])}


def load_mnist(root: Path, offline: bool) -> Images | None:
    """MNIST from ``root``, downloaded there where it is not yet; None where it cannot be had."""
    if (files := find_files(root)) is None and not offline:
        download(root)
        files = find_files(root)
    if files is None:
        return None
    images: Images = {}
    for split in ("train", "test"):
        pixels = read_idx(files[split, "images"], 3)
        digits = read_idx(files[split, "labels"], 1)
        largest = digits.max(initial=0)
        whole = len(pixels) == len(digits) > 0
        if not whole or pixels.shape[1:] != (28, 28) or largest > 9:
            rule = "must be MNIST's: images of 28x28 with a label from 0 to 9 each"
            found = f"{split} images {pixels.shape}, labels {digits.shape} up to {largest}"
            fix = read_as_arrays(root, files) if whole else "the files anew, in another folder"
            raise problem(str(root), rule, found, fix)
        images[split] = (pixels, digits)
    return images


def read_as_arrays(root: Path, files: dict[tuple[str, str], Path]) -> str:
    """The commands that read other pictures of this format, EMNIST's letters say."""
    own = {
        kind: ", ".join(
            f"read_idx(Path({json.dumps(str(files[split, kind]), ensure_ascii=False)}), {rank})"
            for split in ("train", "test")
        )
        for kind, rank in (("images", 3), ("labels", 1))
    }
    archive = f"{root.resolve().name}.npz"
    code = (
        "import numpy; from pathlib import Path; from mtl_cli.dataset.files.idx import read_idx; "
        f"numpy.savez({json.dumps(archive, ensure_ascii=False)}, image=numpy.concatenate(["
        f"{own['images']}])[:, None] / numpy.float32(255), "
        f"label=numpy.concatenate([{own['labels']}]))"
    )
    words = f"mtl-train dataset=arrays {as_word('dataset.path', archive)}"
    words += " 'dataset.targets={label: multiclass}' encoder=cnn"
    return f"python -c {shlex.quote(code)}, then {words}"


def find_files(root: Path) -> dict[tuple[str, str], Path] | None:
    """The four files in ``root`` or torchvision's folder below it; None where one is missing."""
    for folder in (root, root / "raw", root / "MNIST" / "raw"):
        paths = {
            key: path
            for key, name in FILES.items()
            for path in (folder / f"{name}.gz", folder / name)
            if path.is_file()
        }
        if len(paths) == len(FILES):
            return paths
    return None


def download(root: Path) -> None:
    """Downloads MNIST by torchvision; does nothing where there is no network.

    A lock makes jobs that start at once download it once.
    """
    from filelock import FileLock
    from torchvision.datasets import MNIST

    if not answers(MNIST.mirrors[0]):
        return
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)  # torchvision sets none: a stalled transfer would hang for ever
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".download.lock"):
            if find_files(root) is None:
                with TemporaryDirectory(dir=root) as beside:  # a file in its place is whole
                    MNIST(beside, download=True)
                    for path in (Path(beside) / "MNIST" / "raw").iterdir():
                        os.replace(path, root / path.name)
    except (OSError, RuntimeError):  # broken off; torchvision checks what has arrived by its MD5
        return
    finally:
        socket.setdefaulttimeout(timeout)


def answers(url: str) -> bool:
    """Whether a server answers, with whatever status, within a few seconds in all."""
    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=NETWORK_SECONDS).close()
        except urllib.error.HTTPError:
            pass  # an answer too
        except OSError:
            return
        answered.set()

    thread = threading.Thread(
        target=ask, daemon=True
    )  # a name look-up has no time limit of its own
    thread.start()
    thread.join(NETWORK_SECONDS)
    return answered.is_set()
