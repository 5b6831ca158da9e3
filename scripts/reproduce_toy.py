"""The toy problem of CAGrad and Nash-MTL: which methods reach the Pareto set, and where on it.

    python scripts/reproduce_toy.py [--steps 100000] [--settings cagrad nash_mtl] [--processes 2]

Follows each method from each start until the point rests or the steps are over, draws the ways over
the contours of the mean loss, and prints where each of them ends.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq

from mtl_cli.command_line.cli import compose_run
from mtl_cli.comparison.table import text_table
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.loss.toy import Toy
from mtl_cli.run.build import build

METHODS = {
    "equal weights": ["weighting=uniform"],
    "MGDA": ["weighting=mgda"],
    "PCGrad": ["weighting=pcgrad"],
    "CAGrad": ["weighting=cagrad"],
    "Nash-MTL": ["weighting=nash_mtl"],
    "FAMO": ["weighting=famo"],
    "UPGrad": ["weighting=upgrad"],
}
EDGE = 7.0  # the Pareto set reaches from x1 = -7 to 7
NEAR = 0.1  # a point counts as on it where it is no further than this
REST = 1000  # steps in which a point that rests moves less than
STILL = 1e-3  # this; Adam alone moves it by 1
EVERY = 25  # steps between points of the drawn way


class Setting(NamedTuple):
    """The problem as a paper sets it."""

    name: str  # of the paper's method
    starts: list[tuple[float, float]]
    words: list[str]
    cagrad_c: float
    scale: float  # of the first loss


SETTINGS = [
    Setting("cagrad", [(-8.5, 7.5), (-8.5, -5), (9, 9)], [], 0.5, 1.0),
    Setting(
        "nash_mtl",
        [(-8.5, 7.5), (0, 0), (9, 9), (-7.5, -0.5), (9, -1)],
        ["tasks.first.weight=0.1"],
        0.4,
        0.1,
    ),
]


class Way(NamedTuple):
    """Where a method led from a start."""

    setting: str
    method: str
    points: list[tuple[float, float]]
    steps: int


def pareto_x2(x1: float) -> float:
    """The Pareto set's second coordinate: there ``c2(x) (a g1 + (1 - a) g2)(x)`` is least in x2.

    The mixture of g1 and g2 is least in x1 where its centre is, at ``x1 = 7 (2 a - 1)``, and is
    ``(49 - x1^2 + 0.1 (x2 + 8)^2) / 10 - 20`` there.
    """

    def slope(x2: float) -> float:
        mixture = (49 - x1**2 + 0.1 * (x2 + 8) ** 2) / 10 - 20
        c2, c2_slope = np.tanh(-0.5 * x2), -0.5 / np.cosh(0.5 * x2) ** 2
        return float(c2_slope * mixture + c2 * 0.02 * (x2 + 8))

    return float(brentq(slope, -12.0, -7.0))


def follow(job: tuple[Setting, str, tuple[float, float], int]) -> Way:
    """Trains the point from a start until it rests."""
    setting, method, start, steps = job
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp()) / "run"
    words = ["experiment=toy", *METHODS[method], *setting.words, f"hydra.run.dir={folder}"]
    words += [f"encoder.initial=[[{start[0]},{start[1]}]]", f"trainer.max_epochs={steps}"]
    if method == "FAMO":  # which takes logarithms; no loss falls below -20, times its scale
        words.append(f"weighting.lower_bounds=[{-21 * setting.scale},-21]")
    if method == "CAGrad":
        words.append(f"weighting.c={setting.cagrad_c}")
    cfg, path = compose_run("train", words)
    trainer = build(cfg, RunFolder(path), torch.device("cpu")).trainer
    [point] = trainer.model.parameters()
    [batch] = trainer.loaders["train"].batches(1)
    trainer.model.train()
    ways = [point.detach().clone().flatten()]
    for step in range(steps):
        trainer.updates.take([batch], list(trainer.tasks), 1)
        ways.append(point.detach().clone().flatten())
        if step % REST == REST - 1:
            trainer.updates.losses.clear()
            trainer.updates.weights.clear()
            recent = torch.stack(ways[-REST:])
            if float((recent.amax(0) - recent.amin(0)).max()) < STILL:
                break
    points = [*torch.stack(ways[::EVERY]).tolist(), ways[-1].tolist()]
    return Way(setting.name, method, [(x1, x2) for x1, x2 in points], len(ways) - 1)


def ending(way: Way) -> str:
    """Where a way ends, in words."""
    x1, x2 = way.points[-1]
    on_set = abs(x1) <= EDGE + NEAR and abs(x2 - pareto_x2(min(max(x1, -EDGE), EDGE))) <= NEAR
    return f"{'arrives' if on_set else 'sticks'} at ({x1:.2f}, {x2:.2f}), {way.steps:,} steps"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000, help="as in the papers' code")
    names = [setting.name for setting in SETTINGS]
    parser.add_argument("--settings", nargs="+", choices=names, default=names)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/reproduce_toy"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = [setting for setting in SETTINGS if setting.name in options.settings]
    jobs = [(s, m, start, options.steps) for s in settings for m in METHODS for start in s.starts]
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        ways = []
        for job, way in zip(jobs, pool.map(follow, jobs), strict=True):
            ways.append(way)
            sys.stderr.write(f"{way.setting}: {way.method} from {job[2]} {ending(way)}\n")
    for setting in settings:
        own = [way for way in ways if way.setting == setting.name]
        rows: list[list[Any]] = []
        for method in METHODS:
            reached = [way for way in own if way.method == method]
            rows += [
                [method if i == 0 else "", f"({start[0]:g}, {start[1]:g})", ending(way)]
                for i, (start, way) in enumerate(zip(setting.starts, reached, strict=True))
            ]
        sys.stdout.write(f"\nas for {setting.name}\n")
        sys.stdout.write(text_table(["method", "start", "end"], rows) + "\n")
        sys.stdout.write(f"{draw(setting, own, options.out)}\n")


def draw(setting: Setting, ways: list[Way], out: Path) -> Path:
    """The ways of every method over the contours of the mean loss, and the Pareto set."""
    from matplotlib.figure import Figure

    side = torch.linspace(-10, 10, 201)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 1, 2)
    first, second = (torch.stack([Toy(which)(x, x) for x in grid]) for which in (1, 2))
    mean = ((setting.scale * first + second) / 2).reshape(201, 201)
    figure = Figure(figsize=(3.0 * 4, 3.1 * 2), layout="constrained")
    figure.suptitle(f"As for {setting.name}: contours of the mean loss, ways to the Pareto set")
    axes = figure.subplots(2, 4, sharex=True, sharey=True).flatten()
    line = np.linspace(-EDGE, EDGE, 50)
    for axis, method in zip(axes, METHODS, strict=False):
        axis.contour(side, side, mean, levels=25, colors="#bbbbbb", linewidths=0.5)
        axis.plot(line, [pareto_x2(x1) for x1 in line], color="#999999", linewidth=4)
        for way in ways:
            if way.method == method:
                x1, x2 = zip(*way.points, strict=True)
                axis.plot(x1, x2, color="#4477aa", linewidth=1.5)
                axis.plot(x1[0], x2[0], "o", color="black", markersize=4)
                axis.plot(x1[-1], x2[-1], "*", color="#ee6677", markersize=9, zorder=3)
        axis.set_title(method, fontsize="medium")
        axis.set_xlim(-10.5, 10.5)
        axis.set_ylim(-10.5, 10.5)
    for axis in axes[len(METHODS) :]:
        axis.set_axis_off()
    path = out / f"{setting.name}.png"
    figure.savefig(path, dpi=120)
    return path


if __name__ == "__main__":
    main()
