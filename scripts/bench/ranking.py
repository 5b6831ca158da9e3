"""A step of a mixture of experts on ids, ours and a loop over `nn.Embedding` and modules."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
from torch import Tensor, nn

from bench import measure
from bench.measure import Row, in_turn, made
from mtl_cli.basis.batch import Fields
from mtl_cli.row_optimizer.rowwise_adagrad import RowwiseAdagrad

IDS, COLUMNS, WIDTH = 1_000_000, 20, 16
EXPERTS, HIDDEN, BATCH = 8, 256, 4096


def words(path: Path, *own: str) -> list[str]:
    """A run of two binary tasks on columns of ids that share one table."""
    names = [f"c{i}" for i in range(COLUMNS)]
    shared = "".join(f", {name}: {{type: category, vocabulary_of: c0}}" for name in names[1:])
    told = [f"dataset.columns={{c0: {{type: category, hash: {IDS}}}{shared}}}"]
    told += ["dataset=table", f"dataset.path={path}", f"embedding.width={WIDTH}"]
    return [*told, *model_words(), "dataset.reference=0", *own]


def model_words() -> list[str]:
    told = ["dataset.targets={a: binary, b: binary}", "dataset.split={val: 1, test: 1}"]
    told += [f"dataset.batch_size={BATCH}", "dataset.drop_last=true", "trainer=default"]
    told += ["arch=mmoe", f"arch.num_experts={EXPERTS}", f"encoder.hidden=[{HIDDEN}]"]
    return [*told, "optimizer=adam", "scheduler=none"]


class Loop(nn.Module):
    """The same, expert by expert."""

    def __init__(self) -> None:
        super().__init__()
        features = COLUMNS * WIDTH
        self.table = nn.Embedding(IDS, WIDTH)
        self.experts = nn.ModuleList(nn.Linear(features, HIDDEN) for _ in range(EXPERTS))
        self.gates = nn.ModuleList(nn.Linear(features, EXPERTS) for _ in range(2))
        self.heads = nn.ModuleList(nn.Linear(HIDDEN, 1) for _ in range(2))

    def forward(self, codes: Tensor) -> list[Tensor]:
        x = self.table(codes).flatten(1)
        experts = torch.stack([expert(x).relu() for expert in self.experts], 1)  # [B, E, F]
        weights = [gate(x).softmax(-1).unsqueeze(1) for gate in self.gates]
        mixed = [torch.bmm(own, experts).squeeze(1) for own in weights]
        return [head(own).squeeze(1) for head, own in zip(self.heads, mixed, strict=True)]


def step_of(*words: str) -> Callable[[], object]:
    """One update of a run, batch after batch."""
    run = made(*words)
    updates, loader = run.trainer.updates, run.trainer.loaders["train"]
    batches = list(loader.batches(1))
    names, number = list(run.model.tasks), iter(range(10**9))
    run.model.train()
    return lambda: updates.take([batches[next(number) % len(batches)]], names, 1)


def loop_step(path: Path) -> Callable[[], object]:
    run = made(*words(path))
    rows, targets = run.dataset.splits["train"].inputs["row"], run.dataset.targets("train")  # type: ignore[attr-defined]
    assert isinstance(rows, Fields)
    torch.manual_seed(0)
    loop = Loop().to(measure.DEVICE)
    optimizer = torch.optim.Adam(loop.parameters())
    number = iter(range(10**9))

    def step() -> None:
        first = next(number) % (len(rows) // BATCH) * BATCH
        at = slice(first, first + BATCH)
        outputs = loop(rows.codes[at].to(measure.DEVICE))
        losses = [
            nn.functional.binary_cross_entropy_with_logits(output, targets[task][at].to(output))
            for output, task in zip(outputs, ("a", "b"), strict=True)
        ]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()

    return step


def tables_alone() -> list[Callable[[], Any]]:
    """The optimizers of the table: of the rows that a batch reads, and dense Adam of all."""
    codes = torch.randint(IDS, (BATCH * COLUMNS,)).unique()
    few, whole = nn.Parameter(torch.randn(IDS, WIDTH)), nn.Parameter(torch.randn(IDS, WIDTH))
    grad = torch.randn(len(codes), WIDTH)
    few.grad = torch.sparse_coo_tensor(
        codes[None], grad, few.shape, is_coalesced=True, check_invariants=False
    )
    whole.grad = torch.zeros_like(whole).index_copy_(0, codes, grad)
    return [RowwiseAdagrad([few], lr=0.05, eps=1e-8).step, torch.optim.Adam([whole]).step]


def ranking_rows() -> Iterator[Row]:
    """Whole steps, those of gradient methods, and the optimizers of the table alone."""
    draw = np.random.default_rng(0)
    columns = {f"c{i}": draw.integers(0, 2**40, 8 * BATCH + 2) for i in range(COLUMNS)}
    columns |= {task: draw.integers(0, 2, 8 * BATCH + 2) for task in ("a", "b")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.parquet")
        pandas.DataFrame(columns).to_parquet(path)
        arrays = Path(folder, "x.npz")
        embedded = draw.normal(size=(8 * BATCH + 2, COLUMNS * WIDTH)).astype(np.float32)
        np.savez(arrays, x=embedded, a=columns["a"], b=columns["b"])
        by_rows = words(path, "embedding.optimizer=rowwise_adagrad")
        without = ["dataset=arrays", f"dataset.path={arrays}", *model_words()]
        calls = [step_of(*by_rows), step_of(*words(path)), loop_step(path), step_of(*without)]
        for name in ("pcgrad", "upgrad"):
            calls += [step_of(*told, f"weighting={name}") for told in (by_rows, without)]
        ours, adam, theirs, plain, *others = in_turn(calls, 15)
    name = f"ranking: MMoE on {COLUMNS} columns of {IDS:,} ids"
    loop = "loop of modules, Adam"
    yield Row(f"{name}, row-wise Adagrad", loop, [ours, theirs], ours / theirs, "at most 0.75")
    yield Row(f"{name}, Adam", loop, [adam, theirs], adam / theirs, "reported")
    for i, method in enumerate(("PCGrad", "UPGrad")):
        seconds, bare = others[2 * i : 2 * i + 2]
        limit = bare + ours - plain
        against = "without tables, plus their share"
        yield Row(f"{name}, {method}", against, [seconds, limit], seconds / limit, "at most 1.3")
    few, whole = in_turn(tables_alone(), 15)
    yield Row("ranking: the table's optimizer", "Adam", [few, whole], whole / few, "at least 5")
