"""Predictions for a file of new data, against a loop that knows what is in the file.

The reference reads the file (a CSV part by part, as ours does: it may not fit in memory), runs the
model over it and writes the same table, by Arrow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import torch
from pyarrow import csv, parquet
from torch import Tensor

from bench.measure import Row, in_turn
from mtl_cli.dataset.files.idx import read_idx
from mtl_cli.predict import predict
from mtl_cli.train import train
from mtl_cli.trained.loading import load_run

BATCH = 1000
ASKED = "at least 0.80"


def trained(folder: Path, *words: str) -> Path:
    """A run of a few steps."""
    run = folder / "run"
    train([f"hydra.run.dir={run}", "trainer=smoke", *words])
    return run


@torch.inference_mode()
def outputs(model: Any, x: Tensor, input: str) -> dict[str, Tensor]:
    """What a bare loop over batches gives."""
    parts = [model({input: x[i : i + BATCH]}) for i in range(0, len(x), BATCH)]
    return {task: torch.cat([part[task] for part in parts]) for task in parts[0]}


def write(table: pyarrow.Table, path: Path) -> None:
    writer = csv.write_csv if path.suffix == ".csv" else parquet.write_table
    writer(table, path)


def place(file: Path, size: int) -> dict[str, Any]:
    return {"file": [file.name] * size, "row": np.arange(1, size + 1)}


def classes(task: str, logits: Tensor, names: Sequence[str]) -> dict[str, Any]:
    """The columns of a classification."""
    shares = logits.softmax(1).T.contiguous().numpy()
    likeliest = pyarrow.array(names).take(pyarrow.array(shares.argmax(0)))
    chances = {f"p({task}={name})": row for name, row in zip(names, shares, strict=True)}
    return {task: likeliest} | chances


def digits(folder: Path, suffix: str) -> Row:
    """60 000 images in MNIST's format."""
    pixels = np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8)
    file, out = folder / "images-idx3-ubyte", folder / f"predictions{suffix}"
    header = np.array([0x803, *pixels.shape], dtype=">u4").tobytes()
    file.write_bytes(header + pixels.tobytes())
    words = ["dataset=parity_mnist", "dataset.source=digits", "encoder.hidden=[100]"]
    run = trained(folder, *words)

    def ours() -> None:
        predict([f"run={run}", f"input={file}", f"out={out}", "overwrite=true"])

    def bare() -> None:
        loaded = load_run(run).model  # both start from the files
        image = torch.from_numpy(read_idx(file, 3).copy()).unsqueeze(1)
        image = (image.float() / 255 - 0.1307) / 0.3081
        got = outputs(loaded, image, "image")
        columns = place(file, len(image))
        columns |= classes("digit", got["digit"], [str(i) for i in range(10)])
        columns |= classes("parity", got["parity"], ["even", "odd"])
        write(pyarrow.table(columns), out)

    seconds = in_turn([ours, bare], 5)
    name = f"predict: {len(pixels):,} images to {suffix[1:]}"
    return Row(name, "bare loop, same file", seconds, seconds[1] / seconds[0], ASKED)


def rows(folder: Path, suffix: str) -> Row:
    """A CSV of 200 000 rows of 20 numbers."""
    x = np.random.default_rng(0).standard_normal((200_000, 20)).astype(np.float32)
    names = [f"x_{i + 1}" for i in range(x.shape[1])]
    file, out = folder / "new.csv", folder / f"predictions{suffix}"
    csv.write_csv(pyarrow.table(dict(zip(names, x.T.copy(), strict=True))), file)
    run = trained(folder, "dataset=correlated", "dataset.dimension=20", "encoder.hidden=[100]")

    def ours() -> None:
        predict([f"run={run}", f"input={file}", f"out={out}", "overwrite=true"])

    def bare() -> None:
        model, tables = load_run(run).model, []
        for block in csv.open_csv(file):
            arrays = [block.column(name).to_numpy().astype(np.float32) for name in names]
            got = outputs(model, torch.from_numpy(np.stack(arrays, 1)), "x")
            values = {task: output.squeeze(1).numpy() for task, output in got.items()}
            tables.append(pyarrow.table(place(file, len(block)) | values))
        write(pyarrow.concat_tables(tables), out)

    seconds = in_turn([ours, bare], 5)
    name = f"predict: CSV of {len(x):,} x {x.shape[1]} to {suffix[1:]}"
    return Row(name, "bare loop, same file", seconds, seconds[1] / seconds[0], ASKED)


def predict_rows() -> Iterator[Row]:
    """Images and a table of numbers, each to both kinds of file."""
    for make in (digits, rows):
        for suffix in (".csv", ".parquet"):
            with tempfile.TemporaryDirectory() as folder:
                yield make(Path(folder), suffix)
