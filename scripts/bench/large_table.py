"""A table of a million rows: reading it, the memory of that, and an epoch at large batches."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas
import pyarrow
import torch
from pyarrow import csv

from bench.measure import Row, in_turn, made
from bench.memory import peak_of_process, print_growth_of
from bench.table import Bare
from mtl_cli.basis import inputs
from mtl_cli.basis.batch import Fields, matrix
from mtl_cli.command_line.cli import compose_run
from mtl_cli.dataset.table import Table
from mtl_cli.run.build import make_dataset

ROWS, NUMBERS, BATCH = 1_000_000, 18, 4096
SIZES = [5, 20, 100, 500, 2000] * 4  # of the vocabularies
REPEATS = 3


def write_rows(path: Path, count: int) -> None:
    """18 columns of numbers, of which four miss some, 20 of categories, and two targets."""
    draw = np.random.default_rng(0)
    numbers = draw.standard_normal((NUMBERS, count)).round(4)
    codes = [draw.integers(0, size, count) for size in SIZES]
    columns = {f"number_{i}": pyarrow.array(own) for i, own in enumerate(numbers)}
    for i in range(4):
        columns[f"number_{i}"] = pyarrow.array(numbers[i], mask=draw.random(count) < 0.05)
    for i, (size, own) in enumerate(zip(SIZES, codes, strict=True)):
        values = pyarrow.array([f"value {k}" for k in range(size)])
        columns[f"category_{i}"] = values.take(pyarrow.array(own))
    columns["click"] = pyarrow.array((numbers[5:10].sum(0) + 0.3 * codes[0] > 1).astype(int))
    columns["watch"] = pyarrow.array((40 + 10 * numbers[6]).round(1))
    csv.write_csv(pyarrow.table(columns), path)


def words(path: Path) -> list[str]:
    """The command line of the runs."""
    told = ["dataset=table", f"dataset.path={path}", f"dataset.batch_size={BATCH}"]
    told += ["dataset.targets={click: binary, watch: regression}", "dataset.reference=0"]
    told += ["dataset.split.val=0", "dataset.split.test=0", "trainer.max_epochs=1"]
    return [*told, "scheduler=none", "trainer=default"]  # there is no val


def print_peak(side: str, path: str, small: str) -> None:
    """The growth of this process while it reads a file, by ours or pandas."""

    def read(file: str) -> object:
        if side == "pandas":
            return pandas.read_csv(file, engine="pyarrow")
        with tempfile.TemporaryDirectory() as folder:
            cfg, _ = compose_run("train", [f"hydra.run.dir={folder}/run", *words(Path(file))])
            return make_dataset(cfg)

    read(small)  # the imports
    print_growth_of(lambda: read(path))


def bare_epoch(dataset: Table) -> Callable[[], None]:
    """What the trainer does, by hand, on the same rows."""
    spec, fields = dataset.inputs["row"], dataset.splits["train"].inputs["row"]
    assert isinstance(spec, inputs.Row)
    assert isinstance(fields, Fields)
    rows, targets = matrix(fields), dataset.targets("train")

    def epoch() -> None:
        model = Bare(spec.numbers, spec.categories, [1, 1])
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
        order = torch.randperm(len(rows))
        for i in range(0, len(rows), BATCH):
            at = order[i : i + BATCH]
            click, watch = (output.squeeze(1) for output in model(rows[at]))
            logits = torch.nn.functional.binary_cross_entropy_with_logits
            loss = logits(click, targets["click"][at])
            loss = loss + torch.nn.functional.mse_loss(watch, targets["watch"][at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def large_table_rows() -> Iterator[Row]:
    """Loading against pandas' fastest reader, its memory (in MiB) against pandas' frame and its
    reader's, and an epoch against a bare loop over tensors."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder, "table.csv"), Path(folder, "small.csv")
        write_rows(path, ROWS)
        write_rows(small, 1000)
        cfg, _ = compose_run("train", [f"hydra.run.dir={folder}/run", *words(path)])
        name = f"table: {ROWS:,} rows of {NUMBERS + len(SIZES) + 2} columns"
        files = (str(path), str(small))
        ours, theirs = (peak_of_process("large_table", side, *files) for side in ("ours", "pandas"))
        frame = pandas.read_csv(path, engine="pyarrow").memory_usage(deep=True).sum() / 2**20
        yield Row(f"{name} loaded, MiB", "pandas' frame", [ours, frame], ours / frame, "reported")
        against = "pandas.read_csv, pyarrow"
        yield Row(f"{name} loaded, MiB", against, [ours, theirs], ours / theirs, "at most 1.1")
        calls = [lambda: make_dataset(cfg), lambda: pandas.read_csv(path, engine="pyarrow")]
        seconds = in_turn(calls, REPEATS)
        yield Row(f"{name} loaded", against, seconds, seconds[0] / seconds[1], "under 5")
        runs = [made(*words(path)) for _ in range(REPEATS + 1)]
    dataset = runs[0].dataset
    assert isinstance(dataset, Table)
    seconds = in_turn([lambda: runs.pop().trainer.fit(), bare_epoch(dataset)], REPEATS)
    ratio = seconds[0] / seconds[1]
    yield Row(f"{name}, an epoch", "bare tensor loop", seconds, ratio, "at most 1.15")
