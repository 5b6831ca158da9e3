"""Texts: an epoch on two sources, a second start, and the memory that large files take."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.measure import Row, in_turn, made

NUM_WORDS = 21_000  # of which some 19 000 are met
MANY = 2_000_000
WHOLE = ["dataset.split.val=0", "dataset.split.test=0"]


def write_reviews(path: Path, num_texts: int, length: int, seed: int) -> str:
    """Texts of words that come as often as words do (Zipf), and whether one of them is even."""
    draw = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("text,label\n")
        for _ in range(0, num_texts, 10_000):
            share = draw.random((min(num_texts, 10_000), length))
            for row in np.exp(share * np.log(NUM_WORDS)).astype(int):
                stream.write(" ".join(f"word{r}" for r in row) + f",{row[0] % 2}\n")
    return str(path)


class DenseRows(torch.utils.data.Dataset):
    """The rows of a sparse matrix, each turned dense where it is asked for."""

    def __init__(self, matrix: Any, target: Tensor) -> None:
        self.matrix, self.target = matrix, target

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.matrix[i].toarray().ravel()), self.target[i]


def text_rows() -> Iterator[Row]:
    """One epoch: two sources of 8 000 texts, hidden 200, batch 64, against the plain loop."""
    from scipy.sparse import csr_matrix

    folder = Path(tempfile.mkdtemp())
    paths = {
        name: write_reviews(folder / f"{name}.csv", 8000, 20, i) for i, name in enumerate("ab")
    }
    sources = ", ".join(f"{name}: {{path: {path}}}" for name, path in paths.items())
    words = ["experiment=reviews_multi_task", "dataset=text", "trainer.max_epochs=1", *WHOLE]
    words += ["dataset.vectorizer.kind=count"]
    words += [f"dataset.sources={{{sources}}}", "dataset.targets={a: binary, b: binary}"]
    repeats = 3
    runs = [made(*words) for _ in range(repeats + 1)]
    data: Any = runs[0].dataset
    train = data.splits["train"]
    width = data.inputs["a"].vocabulary_size
    dense = {}
    for name, rows in train.items():
        bag = rows.inputs[name]
        parts = (bag.weights.numpy(), bag.indices.numpy(), bag.offsets.numpy())
        dense[name] = DenseRows(csr_matrix(parts, (len(bag), width)), rows.targets[name])
    initial = {key: value.clone() for key, value in runs[0].model.state_dict().items()}
    losses: dict[str, dict[str, float]] = {}
    epochs: list[float] = []  # of ours, without the checkpoints, which the plain loop has not

    def ours() -> None:
        run = runs.pop()
        run.trainer.fit()
        epochs.extend(run.trainer.epoch_seconds)
        losses["ours"] = run.trainer.train_loss

    def plain() -> None:
        heads = {name: nn.Linear(200, 1) for name in dense}
        hidden = nn.Linear(width, 200)
        weight, bias, *outputs = initial.values()
        hidden.load_state_dict({"weight": weight.T, "bias": bias})
        for head, values in zip(
            heads.values(), zip(*[iter(outputs)] * 2, strict=True), strict=True
        ):
            head.load_state_dict(dict(zip(("weight", "bias"), values, strict=True)))
        parameters = [*hidden.parameters(), *(p for h in heads.values() for p in h.parameters())]
        optimizer = torch.optim.Adam(parameters, lr=0.001)
        order = list(data.draw(train, 0).batches(1))  # the same, so that losses can be compared
        loaders = [
            torch.utils.data.DataLoader(rows, batch_sampler=[step[n].tolist() for step in order])
            for n, rows in dense.items()
        ]
        sums = dict.fromkeys(dense, 0.0)
        for batches in zip(*loaders, strict=True):
            total = torch.zeros(())
            for (name, head), (x, y) in zip(heads.items(), batches, strict=True):
                logits = head(hidden(x).sigmoid()).squeeze(1)
                loss = nn.functional.binary_cross_entropy_with_logits(logits, y)
                sums[name] += loss.item() / len(order)
                total = total + loss
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        losses["plain"] = sums

    slow = in_turn([ours, plain], repeats)[1]
    seconds = [statistics.median(epochs[1:]), slow]
    for name, loss in losses["plain"].items():
        assert abs(losses["ours"][name] - loss) < 1e-4 * loss, losses
    name = f"text epoch: 2 x 8 000 texts, {width:,} words; same losses"
    reference = "loop over dense rows"
    yield Row(name, reference, seconds, seconds[1] / seconds[0], "at least 8")


PEAK = """
import sys, time
import matplotlib.figure, pyarrow.csv, scipy.sparse, sklearn.feature_extraction.text, torch
import torchmetrics, mtl_cli, mtl_cli.run.session, mtl_cli.train
from mtl_cli.dataset.text import Text
def peak():  # of this program alone: getrusage would count the parent's too
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
imports, begin = peak(), time.perf_counter()
"""
START = """
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from mtl_cli.command_line.cli import CONF
with initialize_config_dir(str(CONF), version_base="1.3"):
    cfg = compose("train", sys.argv[1:])
begin = time.perf_counter()
instantiate(cfg.dataset, _convert_="all")
"""
TRAIN = "mtl_cli.train(sys.argv[1:])\n"
SAY = "print('found', time.perf_counter() - begin, peak() - imports, peak())\n"


def measured(script: str, *words: str) -> tuple[float, float, float]:
    """Seconds, MiB beyond the imports, and MiB in all, of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK + script + SAY, *words],
        cwd=tempfile.mkdtemp(),
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, beyond, whole = map(float, done.stdout.rpartition("found ")[2].split())
    return seconds, beyond, whole


def start_rows() -> Iterator[Row]:
    """IMDB's 50 000 reviews where they are at hand, else as many made-up ones."""
    folder = Path(tempfile.mkdtemp())
    real = Path(os.environ.get("MTL_DATA", "")) / "imdb" / "imdb_reviews.csv.gz"
    size, path, text, label = 66.0, str(real), "review", "sentiment"
    if not real.is_file():
        path, text, label = write_reviews(folder / "a.csv", 50_000, 150, 0), "text", "label"
        size = Path(path).stat().st_size / 1e6
    source = f"imdb: {{path: {path}, text: {text}, label: {label}}}"
    words = ["dataset=text", f"dataset.sources={{{source}}}", "dataset.targets={imdb: binary}"]
    words += [f"dataset.cache={folder / 'cache'}", "offline=true", "dataset.vectorizer.kind=count"]
    first, again = measured(START, *words), measured(START, *words)
    name = f"text start: 50 000 reviews of {size:.0f} MB"
    yield Row(name, "first start", [again[0], first[0]], first[0] / again[0], "at least 10")
    limit = size * 1e6 / 2**20
    name = f"text memory: {size:.0f} MB of reviews, MiB"
    yield Row(name, "size of the text", [first[1], limit], first[1] / limit, "at most 6")


def large_text_rows() -> Iterator[Row]:
    """Two million short texts by the hashes of their words: read, and trained on for an epoch."""
    folder = Path(tempfile.mkdtemp())
    path = write_reviews(folder / "many.csv", MANY, 10, 0)
    words = ["experiment=reviews_multi_task", "dataset=text", "dataset.targets={many: binary}"]
    words += [f"dataset.sources={{many: {{path: {path}}}}}", "dataset.vectorizer.kind=hashing"]
    words += ["dataset.cache=false", "dataset.batch_size=1024", "encoder.hidden=[50]"]
    words += ["+task@tasks.many=binary", "trainer.max_epochs=1", "dataset.eval_batch_size=10000"]
    mebibytes = measured(TRAIN, *words)[2]
    name = f"text memory: {MANY:,} hashed texts, MiB in all"
    yield Row(name, "limit", [mebibytes, 2048.0], mebibytes / 2048, "at most 1")
