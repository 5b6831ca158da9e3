"""The memory of a step with tables of ids: their own, and no copies of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pandas
import torch

from bench.measure import Row
from bench.memory import peak_of_process, print_growth
from bench.ranking import BATCH, COLUMNS, WIDTH, model_words, words
from mtl_cli.command_line.cli import compose_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run import build

FEW, MANY = 1_000_000, 10_000_000  # ids
ROWS = 8 * BATCH + 2
OWN = {"rowwise_adagrad": 1 / WIDTH, "null": 2.0}  # numbers of state for each of a table


def print_peak(folder: str, *told: str) -> None:
    """The growth of this process from the making of the model on, through three steps: weights,
    optimizers, the batches in use and all that a step computes; not the data."""
    cfg, path = compose_run("train", [f"hydra.run.dir={folder}/run", "offline=true", *told])
    (path / "checkpoints").mkdir()
    dataset = build.make_dataset(cfg)
    torch.nn.Linear(64, 64)(torch.randn(64, 64)).sum().backward()  # what every process loads

    def make_step() -> Callable[[], object]:
        with mock.patch.object(build, "make_dataset", return_value=dataset):
            run = build.build(cfg, RunFolder(path), torch.device("cpu"))
        run.model.train()
        batches, names = run.trainer.loaders["train"].batches(1), list(run.model.tasks)
        return lambda: run.trainer.updates.take([next(batches)], names, 1)

    print_growth(make_step)


def growth(*told: str) -> float:
    """The same of a process of its own, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        return peak_of_process("ranking_memory", folder, *told)


def ranking_memory_rows() -> Iterator[Row]:
    """MiB (in the columns of seconds) against the tables and their optimizer's state: what a step
    takes beyond one of the same model on as many numbers, and, of many ids, the whole of it."""
    draw = np.random.default_rng(0)
    columns = {f"c{i}": draw.integers(0, 2**40, ROWS) for i in range(COLUMNS)}
    columns |= {task: draw.integers(0, 2, ROWS) for task in ("a", "b")}
    with tempfile.TemporaryDirectory() as folder:
        path, arrays = Path(folder, "x.parquet"), Path(folder, "x.npz")
        pandas.DataFrame(columns).to_parquet(path)
        numbers = draw.normal(size=(ROWS, COLUMNS * WIDTH)).astype(np.float32)
        np.savez(arrays, x=numbers, a=columns["a"], b=columns["b"])
        bare = growth("dataset=arrays", f"dataset.path={arrays}", *model_words())
        name = f"ranking memory: MMoE on {COLUMNS} columns of"
        for optimizer, state in OWN.items():
            tables = FEW * WIDTH * 4 / 2**20 * (1 + state)
            whole = growth(*words(path, f"embedding.optimizer={optimizer}"))
            title, own = f"{name} {FEW:,} ids, {optimizer}, MiB", whole - bare
            against = "tables and state"
            yield Row(f"{title} in all", against, [whole, tables], whole / tables, "reported")
            beyond = f"{title} beyond no tables"
            yield Row(beyond, against, [own, tables], own / tables, "at most 1.3")
        tables = MANY * WIDTH * 4 / 2**20 * (1 + OWN["rowwise_adagrad"])
        hashed = f"dataset.columns.c0={{type: category, hash: {MANY}}}"
        whole = growth(*words(path, "embedding.optimizer=rowwise_adagrad", hashed))
        title = f"{name} {MANY:,} ids, rowwise_adagrad, MiB in all"
        yield Row(title, "tables and state", [whole, tables], whole / tables, "at most 1.3")
