"""A program of ONNX Runtime against the model that it was made of, and against `mtl-predict`.

Both predict the same pictures: the README's model, of MNIST's where they are at hand.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.measure import Row, in_turn
from mtl_cli.export import export
from mtl_cli.predict import predict
from mtl_cli.train import train
from mtl_cli.trained.loading import load_run

WORDS = ["arch=mmoe", "dataset=parity_mnist", "trainer=smoke"]
PICTURES = 10_000
BATCH = 1000
EXPORT_WITHIN = 20.0  # seconds


def export_rows() -> Iterator[Row]:
    """How long an export takes, and what a program takes for pictures."""
    onnxruntime = importlib.import_module("onnxruntime")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with contextlib.redirect_stdout(io.StringIO()):
            train([f"hydra.run.dir={folder / 'run'}", *WORDS])
        for form in ("torch", "onnx"):
            begin = time.perf_counter()
            export([f"run={folder / 'run'}", f"format={form}", f"out={folder / form}"])
            took = time.perf_counter() - begin
            asked = f"at least 1.00, in {EXPORT_WITHIN:g} s"
            name = f"mtl-export of the README's model, format={form}"
            yield Row(name, "what may be", [took, EXPORT_WITHIN], EXPORT_WITHIN / took, asked)
        pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, 28, 28), dtype=np.uint8)
        file = folder / "images-idx3-ubyte"
        header = np.array([0x803, *pixels.shape], dtype=">u4").tobytes()
        file.write_bytes(header + pixels.tobytes())
        session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx")
        run = load_run(folder / "run", device="cpu")

        def served(size: int, number: int) -> None:
            for first in range(0, number, size):
                session.run(None, {"image": pixels[first : first + size, None]})

        def predicted(size: int, number: int) -> None:
            for first in range(0, number, size):
                run.predict(pixels[first : first + size, None].astype(np.float32))

        def written() -> None:
            words = [f"run={folder / 'run'}", f"input={file}", f"out={folder / 'p.parquet'}"]
            predict([*words, "overwrite=true", "device=cpu"])

        asked = "at least 1.00"
        seconds = in_turn([lambda: served(BATCH, PICTURES), written], 5)
        name = f"ONNX Runtime: {PICTURES:,} pictures, {BATCH:,} at a time"
        yield Row(name, "mtl-predict", seconds, seconds[1] / seconds[0], asked)
        for size, number in ((BATCH, PICTURES), (1, 200)):
            seconds = in_turn([partial(call, size, number) for call in (served, predicted)], 5)
            name = f"ONNX Runtime: {number:,} pictures, {size:,} at a time"
            yield Row(name, "load_run(...).predict", seconds, seconds[1] / seconds[0], asked)
