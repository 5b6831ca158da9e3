"""A whole process, and its memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from bench.measure import Row, in_turn


def process_rows() -> Iterator[Row]:
    """The smoke run against importing its two largest libraries."""
    folder = tempfile.mkdtemp()

    def python(*words: str) -> None:
        subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True)

    calls = [
        lambda: python("-c", "from mtl_cli.train import main; main()", "trainer=smoke"),
        lambda: python("-c", "import torch, torchmetrics"),
    ]
    seconds = in_turn(calls, 5)
    ratio = seconds[0] / seconds[1]
    yield Row("process: trainer=smoke", "import torch, torchmetrics", seconds, ratio, "at most 1.3")


MEMORY = """
import matplotlib.figure, sklearn.model_selection, torch, torchmetrics, mtl_cli.run.session
import mtl_cli.train
def peak():  # of this program alone: getrusage would count the parent's too
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
imports = peak()
mtl_cli.train(["experiment=parity_mnist_notebook", "trainer.max_epochs=1", "offline=true"])
print("MiB", (peak() - imports) / 1024)
"""


def memory_rows() -> Iterator[Row]:
    """Peak memory of training beyond what the imports take, in MiB (in the column of seconds)."""
    folder = tempfile.mkdtemp()
    words = [sys.executable, "-c", MEMORY]
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
    mebibytes = float(done.stdout.rpartition("MiB")[2])
    yield Row(
        "memory: MNIST notebook, MiB", "limit", [mebibytes, 350.0], mebibytes / 350, "at most 1"
    )
