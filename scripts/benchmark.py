"""Ours and a hand-written reference, measured in turn in one process: medians and their ratio.

    python scripts/benchmark.py                      # everything, as a table
    python scripts/benchmark.py mmoe epoch           # the rows whose names begin so
    python scripts/benchmark.py --json results.json  # also written as JSON

Run it on a quiet machine. Where MNIST is at hand (see MTL_DATA) the epochs are over its images.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mtl_cli.arch.mmoe import MMoE
from mtl_cli.build import Run, build
from mtl_cli.cli import compose_run
from mtl_cli.comparison.table import text_table
from mtl_cli.device import keep_freed_memory
from mtl_cli.encoder.mlp import MLP
from mtl_cli.inputs import Dense
from mtl_cli.run_folder import RunFolder

cross_entropy = nn.functional.cross_entropy


class Row(NamedTuple):
    """One comparison; ``asked`` is the bound that the ratio has to keep."""

    name: str
    reference: str
    seconds: list[float]  # ours, the reference's
    ratio: float  # above 1: how many times as fast as the reference; for costs, ours / reference
    asked: str


def in_turn(calls: list[Callable[[], Any]], repeats: int) -> list[float]:
    """The median seconds of each call, after one round that does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for repeat in range(repeats + 1):
        for call, seconds in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            if repeat:
                seconds.append(time.perf_counter() - begin)
    return [statistics.median(seconds) for seconds in times]


def made(*words: str) -> Run:
    """The live objects of a run, in a throw-away folder."""
    folder = Path(tempfile.mkdtemp())
    cfg, path = compose_run("train", [f"hydra.run.dir={folder / 'run'}", "offline=true", *words])
    (path / "checkpoints").mkdir()
    return build(cfg, RunFolder(path), torch.device("cpu"))


# One epoch of the ParityMNIST notebook's job.

NOTEBOOK = ["experiment=parity_mnist_notebook", "trainer.max_epochs=1", "trainer.watch_test=false"]


def notebook_parts() -> tuple[nn.Module, nn.Module, nn.Module, torch.optim.Optimizer]:
    """The notebook's model, and its optimizer as the experiment sets it."""
    trunk = nn.Sequential(nn.Linear(784, 100), nn.ReLU())
    digit, parity = nn.Linear(100, 10), nn.Linear(100, 2)
    parameters = [*trunk.parameters(), *digit.parameters(), *parity.parameters()]
    options: dict[str, Any] = {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    return trunk, digit, parity, torch.optim.SGD(parameters, lr=0.001, fused=True, **options)


def notebook_step(parts: Any, image: Tensor, digit: Tensor, parity: Tensor) -> None:
    trunk, digit_head, parity_head, optimizer = parts
    features = trunk(image)
    loss = cross_entropy(digit_head(features), digit)
    loss = loss + 0.5 * cross_entropy(parity_head(features), parity)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def epoch_rows() -> Iterator[Row]:
    """Against a bare loop over tensors, and against a DataLoader that transforms each image."""
    run = made(*NOTEBOOK)
    table = run.dataset.splits["train"]  # type: ignore[attr-defined]
    bytes_ = table.inputs["image"]
    digits, parities = table.targets["digit"], table.targets["parity"]
    images = (bytes_.float() / 255 - 0.1307) / 0.3081
    count = len(images)

    def ours() -> None:
        runs.pop().trainer.fit()

    def bare() -> None:
        parts = notebook_parts()
        order = torch.randperm(count)
        for i in range(0, count - 127, 128):
            rows = order[i : i + 128]
            notebook_step(parts, images[rows].flatten(1), digits[rows], parities[rows])

    repeats = 5
    runs = [made(*NOTEBOOK) for _ in range(repeats + 1)]
    seconds = in_turn([ours, bare], repeats)
    name = f"epoch: {count:,} images ({run.dataset.source})"
    yield Row(name, "bare tensor loop", seconds, seconds[0] / seconds[1], "at most 1.10")

    from PIL import Image  # what torchvision's own MNIST gives its transforms
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.1307,), (0.3081,)),
        ]
    )

    class Images(torch.utils.data.Dataset):
        arrays = bytes_.squeeze(1).numpy()

        def __len__(self) -> int:
            return count

        def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
            return transform(Image.fromarray(self.arrays[i])), digits[i], parities[i]

    def by_loader() -> None:
        parts = notebook_parts()
        loader = torch.utils.data.DataLoader(Images(), 128, shuffle=True, drop_last=True)
        for image, digit, parity in loader:
            notebook_step(parts, image.flatten(1), digit, parity)

    begin = time.perf_counter()
    by_loader()
    slow = time.perf_counter() - begin
    reference = "DataLoader, v2 transforms on each image"
    yield Row(name, reference, [seconds[0], slow], slow / seconds[0], "at least 20")


# A training step of a mixture of experts.


class LoopMMoE(nn.Module):
    """One module an expert, a gate and a head."""

    def __init__(self, inputs: int, experts: int, width: int, tasks: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(inputs, width), nn.ReLU()) for _ in range(experts)
        )
        self.gates = nn.ModuleList(nn.Linear(inputs, experts) for _ in range(tasks))
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in range(tasks))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = torch.stack([expert(x) for expert in self.experts], 1)  # [B, E, F]
        outputs = []
        for gate, head in zip(self.gates, self.heads, strict=True):
            weights = gate(x).softmax(-1).unsqueeze(1)  # [B, 1, E]
            outputs.append(head(torch.bmm(weights, features).squeeze(1)))
        return outputs


class OurMMoE(nn.Module):
    """Our architecture, with the same heads."""

    def __init__(self, inputs: int, experts: int, width: int, tasks: int) -> None:
        super().__init__()
        encoder = partial(MLP, hidden=[width], activation="relu", dropout=0.0)
        names = {f"t{k}": "x" for k in range(tasks)}
        self.arch = MMoE(
            encoder, {"x": Dense((inputs,))}, names, experts, gate_bias=True, one_gate=False
        )
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in range(tasks))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.arch({"x": x}).values()
        return [head(f) for head, f in zip(self.heads, features, strict=True)]


def training_step(model: nn.Module, x: Tensor, y: Tensor, fused: bool) -> Callable[[], None]:
    """A step with Adam: as torch makes it by default, or in one kernel."""
    optimizer = torch.optim.Adam(model.parameters(), fused=fused or None)

    def step() -> None:
        optimizer.zero_grad()
        outputs = model(x)
        losses = [nn.functional.mse_loss(o, t) for o, t in zip(outputs, y, strict=True)]
        torch.stack(losses).sum().backward()
        optimizer.step()

    return step


def mmoe_rows() -> Iterator[Row]:
    """Against a Python loop over modules, both with the same optimizer."""
    sizes = [
        (15000, 1, 10, 16, 2, "at least 2.5"),
        (4096, 64, 64, 64, 16, "at least 4"),
        (256, 64, 256, 32, 8, "at least 8"),
    ]
    for batch, *shape, asked in sizes:
        inputs, experts, width, tasks = (int(size) for size in shape)
        x, y = torch.randn(batch, inputs), torch.randn(tasks, batch, 1)
        for fused in (False, True):
            models = [OurMMoE(*shape), LoopMMoE(*shape)]
            calls = [training_step(model, x, y, fused) for model in models]
            seconds = in_turn(calls, 10 if experts == 64 else 40)
            name = f"mmoe: B {batch}, input {inputs}, {experts} experts of {width}, {tasks} tasks"
            reference = f"loop over modules, Adam{' fused' if fused else ''}"
            yield Row(name, reference, seconds, seconds[1] / seconds[0], asked)


# A whole process, and its memory.


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
import matplotlib.figure, sklearn.model_selection, torch, torchmetrics, mtl_cli.session
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


GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "epoch": epoch_rows,
    "mmoe": mmoe_rows,
    "process": process_rows,
    "memory": memory_rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "groups", nargs="*", help=f"which rows: {', '.join(GROUPS)}; all by default"
    )
    parser.add_argument("--json", type=Path, help="where to write the rows as JSON")
    options = parser.parse_args()
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"no rows called {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    logging.getLogger("mtl_cli").setLevel(logging.WARNING)
    keep_freed_memory()  # as a run does; it serves both sides
    rows = [row for name in options.groups or GROUPS for row in GROUPS[name]()]
    header = ["what", "against", "ours [s]", "reference [s]", "ratio", "asked"]
    cells = [[r.name, r.reference, *r.seconds, f"{r.ratio:.2f}", r.asked] for r in rows]
    sys.stdout.write(text_table(header, cells) + "\n")
    if options.json:
        machine: dict[str, Any] = {"python": platform.python_version(), "torch": torch.__version__}
        machine |= {"threads": torch.get_num_threads(), "processor": platform.processor()}
        machine["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        text = json.dumps({"machine": machine, "rows": [row._asdict() for row in rows]}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
