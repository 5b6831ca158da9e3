"""What selection bias costs, and what ESMM and debiased losses mend, where the truth is known.

    python scripts/reproduce_clicks.py [--seeds 10] [--processes 2] [--out runs/reproduce_clicks]

Trains the same towers on generated impressions (dataset=clicks) in five ways, and measures their
conversion rates against the true ones over all test impressions: root mean squared error and bias,
with differences to training on clicked impressions alone, and their 95 % intervals over seeds. Each
seed draws a world of its own, which all ways see.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from mtl_cli.comparison.table import text_table
from mtl_cli.train import train

PLAIN = "clicked alone"
WAYS = {
    PLAIN: ["experiment=esmm", "~tasks.ctcvr", "tasks.cvr.loss=bce"],
    "ESMM": ["experiment=esmm"],
    "ESCM2-IPS": ["experiment=escm"],
    "ESCM2-DR": ["experiment=escm_dr"],
    "all known": [
        *("experiment=esmm", "~tasks.ctcvr", "~tasks.cvr", "tasks.potential=ranking"),
        *("tasks.true_cvr.of=[potential]", "~arch.branches.cvr", "+arch.branches.potential=[1,1]"),
    ],
}
WORLDS = {
    "bias 0.8, linear": ["dataset.bias=0.8", "dataset.interaction=0"],
    "bias 0.8": ["dataset.bias=0.8"],
    "bias 0.8, hidden 1": ["dataset.bias=0.8", "dataset.gamma=1"],
}
COMMON = [
    *("dataset.num_train=40000", "dataset.num_val=10000", "dataset.num_test=20000"),
    *("dataset.num_users=500", "dataset.num_items=200", "dataset.batch_size=1024"),
    *("trainer.patience=3", "optimizer.lr=0.003", "trainer.checkpoint_every=100"),
    *("embedding.width=8", "device=cpu", "runtime.threads=1"),
    *("pictures.curves=false", "pictures.metrics=false"),
]

Figures = dict[tuple[str, str], list[dict[str, float]]]  # {(way, world): of each seed}


class Job(NamedTuple):
    """One run."""

    way: str
    world: str
    seed: int  # of data and initial weights


def run(job: Job, out: Path) -> dict[str, float]:
    """Trains one way, and gives its errors on all test impressions."""
    folder = out / "_".join([job.way, job.world, str(job.seed)]).replace(" ", "_").replace(",", "")
    words = [*WAYS[job.way], *COMMON, *WORLDS[job.world], f"seed={job.seed}"]
    return train([*words, f"hydra.run.dir={folder}"])["test"]["true_cvr"]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean of some values, and how far its 95 % interval reaches by Student's t."""
    from scipy.stats import t

    error = statistics.stdev(values) / len(values) ** 0.5
    return statistics.mean(values), float(t.ppf(0.975, len(values) - 1)) * error


def table(figures: Figures, metric: str) -> str:
    """A metric of all ways in all worlds, beside the difference to `PLAIN`."""
    rows = []
    for way in WAYS:
        cells = []
        for world in WORLDS:
            own, plain = (
                [found[metric] for found in figures[name, world]] for name in (way, PLAIN)
            )
            mean, error = interval(own)
            cells.append(f"{mean:.4f} ± {error:.4f}")
            if way != PLAIN:
                mean, error = interval([a - b for a, b in zip(own, plain, strict=True)])
                cells[-1] += f" ({mean:+.4f} ± {error:.4f})"
        rows.append([way, *cells])
    return text_table([metric, *WORLDS], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="worlds of each kind, at least 2")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/reproduce_clicks"), help="a new folder"
    )
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: intervals are over seeds")
    settings = product(range(options.seeds), WORLDS, WAYS)
    jobs = [Job(way, world, seed) for seed, world, way in settings]
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        found = list(pool.map(run, jobs, [options.out] * len(jobs)))
    figures: Figures = {}
    for job, own in zip(jobs, found, strict=True):
        figures.setdefault((job.way, job.world), []).append(own)
    text = "\n\n".join(table(figures, metric) for metric in ("rmse", "bias"))
    (options.out / "table.txt").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"\n{text}\n")


if __name__ == "__main__":
    main()
