"""What every kind of row is made with: a row, calls timed in turn, and a run's live objects."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mtl_cli.basis.device import find_device
from mtl_cli.command_line.cli import compose_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import Run, build

DEVICE = torch.device("cpu")  # of the runs; see `use`


def use(name: str) -> None:
    """Makes the runs on another device."""
    global DEVICE
    DEVICE = find_device(name)


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
    return build(cfg, RunFolder(path), DEVICE)
