"""A table of a user's own: loading it, and an epoch over it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas
import torch
from torch import Tensor, nn

from bench.measure import Row, in_turn, made
from mtl_cli.basis import inputs
from mtl_cli.basis.batch import Fields, matrix
from mtl_cli.command_line.cli import compose_run
from mtl_cli.dataset.table import Table
from mtl_cli.run.build import make_dataset

NUM_ROWS, NUM_NUMBERS, NUM_CATEGORIES = 200_000, 25, 12
BATCH_SIZE = 1024
TARGETS = {"income": "binary", "sector": "multiclass", "age": "regression"}
REPEATS = 5


def write_table(path: Path) -> None:
    """25 columns of numbers, of which five miss some, 12 of categories, and three targets."""
    draw = np.random.default_rng(0)
    numbers = draw.standard_normal((NUM_ROWS, NUM_NUMBERS)).round(4)
    codes = draw.integers(0, [5, 10, 20, 50] * 3, (NUM_ROWS, NUM_CATEGORIES))
    columns: dict[str, object] = {f"number_{i}": numbers[:, i] for i in range(NUM_NUMBERS)}
    for i in range(5):
        columns[f"number_{i}"] = np.where(draw.random(NUM_ROWS) < 0.05, np.nan, numbers[:, i])
    for i in range(NUM_CATEGORIES):
        columns[f"category_{i}"] = np.char.add("value ", codes[:, i].astype(str))
    score = numbers[:, 5:10].sum(1) + 0.3 * codes[:, 0]
    columns["income"] = np.where(score > 1, "high", "low")
    columns["sector"] = np.char.add("sector ", (codes[:, 1] % 4).astype(str))
    columns["age"] = (40 + 10 * numbers[:, 6]).round(1)
    pandas.DataFrame(columns).to_csv(path, index=False)


class Bare(nn.Module):
    """What `words` asks for, by hand: an MLP on numbers and one-hot categories, and heads."""

    def __init__(self, num_numbers: int, sizes: tuple[int, ...], outputs: Sequence[int]) -> None:
        super().__init__()
        self.num_numbers = num_numbers
        self.starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.numbers = nn.Linear(num_numbers, 128)
        self.categories = nn.EmbeddingBag(sum(sizes), 128, mode="sum")
        self.rest = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(128, 128), nn.ReLU(inplace=True))
        self.heads = nn.ModuleList(nn.Linear(128, n) for n in outputs)

    def forward(self, x: Tensor) -> list[Tensor]:
        codes = x[:, self.num_numbers :].long() + self.starts
        first = self.numbers(x[:, : self.num_numbers]) + self.categories(codes)
        features = self.rest(first)
        return [head(features) for head in self.heads]


def words(path: Path) -> list[str]:
    """The command line of the runs."""
    targets = ", ".join(f"{task}: {kind}" for task, kind in TARGETS.items())
    return [
        "dataset=table",
        f"dataset.path={path}",
        f"dataset.targets={{{targets}}}",
        f"dataset.batch_size={BATCH_SIZE}",
        "dataset.split.val=0",
        "dataset.split.test=0",
        "trainer.max_epochs=1",
        "scheduler=none",
        "trainer=default",  # there is no val
    ]


def table_rows() -> Iterator[Row]:
    """Loading against pandas' fastest reader, and an epoch against a bare loop over tensors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        write_table(path)
        cfg, _ = compose_run("train", [f"hydra.run.dir={folder}/run", *words(path)])
        load = partial(make_dataset, cfg)
        seconds = in_turn([load, lambda: pandas.read_csv(path, engine="pyarrow")], REPEATS)
        name = f"table: {NUM_ROWS:,} rows of {NUM_NUMBERS + NUM_CATEGORIES + 3} columns"
        ratio = seconds[0] / seconds[1]
        yield Row(f"{name} loaded", "pandas.read_csv, pyarrow", seconds, ratio, "under 5")
        runs = [made(*words(path)) for _ in range(REPEATS + 1)]

    dataset = runs[0].dataset
    assert isinstance(dataset, Table)
    spec = dataset.inputs["row"]
    assert isinstance(spec, inputs.Row)
    fields, targets = dataset.splits["train"].inputs["row"], dataset.targets("train")
    assert isinstance(fields, Fields)
    rows = matrix(fields)

    def ours() -> None:
        runs.pop().trainer.fit()

    def bare() -> None:
        model = Bare(spec.numbers, spec.categories, [1, dataset.sizes_of_tasks["sector"], 1])
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
        order = torch.randperm(NUM_ROWS)
        for i in range(0, NUM_ROWS, BATCH_SIZE):
            at = order[i : i + BATCH_SIZE]
            income, sector, age = model(rows[at])
            loss = nn.functional.binary_cross_entropy_with_logits(
                income.squeeze(1), targets["income"][at]
            )
            loss = loss + nn.functional.cross_entropy(sector, targets["sector"][at])
            loss = loss + nn.functional.mse_loss(age.squeeze(1), targets["age"][at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    seconds = in_turn([ours, bare], REPEATS)
    ratio = seconds[0] / seconds[1]
    yield Row(f"{name}, an epoch", "bare tensor loop", seconds, ratio, "at most 1.15")
