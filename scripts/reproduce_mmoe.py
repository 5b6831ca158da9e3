"""The synthetic study of the MMoE paper (section 3.2): does a gate for each task help unlike tasks?

    python scripts/reproduce_mmoe.py [--seeds 10] [--steps 10000] [--rates 0.003 0.01]
        [--samples 100000] [--processes 2] [--out runs/reproduce_mmoe]

Trains shared bottom, OMoE (one gate) and MMoE for three correlations of the tasks over several
seeds, prints the final test losses, draws them, and says which of the paper's findings hold. As in
the paper each model has the learning rate that suits it: the one with the least validation loss.
The sines take many examples and steps; with too few, no model learns more than the linear part.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import torch

from mtl_cli.comparison.table import text_table
from mtl_cli.train import train

CORRELATIONS = (0.5, 0.9, 1.0)
# 8 experts of 16 units and the towers' first layers hold 13 056 weights (100 * 8 * 16 and 2 * 16 *
# 8); a shared bottom of 113 units and towers of 8 hold as many: 13 056 / (100 + 8 * 2) = 113.
MODELS = {
    "shared bottom": ["arch=hps", "encoder.hidden=[113]"],
    "OMoE": ["arch=mmoe", "arch.one_gate=true", "encoder.hidden=[16]"],
    "MMoE": ["arch=mmoe", "encoder.hidden=[16]"],
}
COMMON = ["dataset=correlated", "head=mlp", "head.hidden=[8]", "trainer.max_epochs=null"]

Losses = dict[str, dict[float, list[float]]]  # {model: {correlation: one a seed}}


class Job(NamedTuple):
    """One run."""

    model: str
    correlation: float
    rate: float
    seed: int  # of data and initial weights; all models see the same data


class Result(NamedTuple):
    """Its losses at the best epoch, each the sum over both tasks."""

    job: Job
    val: float
    test: float


def run(job: Job, words: list[str], out: Path) -> Result:
    """Trains one model and reads its summary."""
    torch.set_num_threads(1)
    model, p, rate, seed = job
    folder = out / f"{model.replace(' ', '_')}_{p}_{rate}_{seed}"
    given = [f"hydra.run.dir={folder}", f"seed={seed}", f"dataset.seed={seed}"]
    given += [f"dataset.correlation={p}", f"optimizer.lr={rate}"]
    loss = train([*COMMON, *MODELS[model], *words, *given])["loss"]
    return Result(job, loss["best"], loss["test"])


def chosen(results: list[Result]) -> tuple[Losses, dict[str, dict[float, float]]]:
    """The test losses at the learning rate with the least mean validation loss, and that rate."""
    losses: Losses = {model: {} for model in MODELS}
    rates: dict[str, dict[float, float]] = {model: {} for model in MODELS}
    for model in MODELS:
        for p in CORRELATIONS:
            own = [r for r in results if (r.job.model, r.job.correlation) == (model, p)]
            by_rate: dict[float, list[Result]] = {}
            for result in own:
                by_rate.setdefault(result.job.rate, []).append(result)
            rate = min(by_rate, key=lambda rate: statistics.mean(r.val for r in by_rate[rate]))
            rates[model][p] = rate
            losses[model][p] = [r.test for r in by_rate[rate]]
    return losses, rates


def findings(losses: Losses) -> dict[str, bool]:
    """The paper's findings, and whether these losses show them."""
    mean = {m: {p: statistics.mean(v) for p, v in by.items()} for m, by in losses.items()}
    spread = {m: statistics.mean(map(statistics.stdev, by.values())) for m, by in losses.items()}
    gap = {m: max(by.values()) - min(by.values()) for m, by in mean.items()}
    falls = all(by[0.5] > by[0.9] > by[1.0] for by in mean.values())
    at_one = abs(mean["MMoE"][1.0] - mean["OMoE"][1.0])
    noise = max(statistics.stdev(losses[m][1.0]) for m in ("MMoE", "OMoE"))
    return {
        "on the least related tasks, MMoE has the least loss": mean["MMoE"][0.5]
        == min(by[0.5] for by in mean.values()),
        "the loss falls as the correlation rises, for every model": falls,
        "the gap across correlations is smallest for MMoE": min(gap, key=gap.__getitem__) == "MMoE",
        "shared bottom varies most over seeds": max(spread, key=spread.__getitem__)
        == "shared bottom",
        "at correlation 1, MMoE and OMoE are alike (within a deviation)": at_one <= noise,
    }


def draw(losses: Losses, path: Path) -> None:
    """The losses over the correlation, with a point for each seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for shift, (model, by) in enumerate(losses.items(), -1):
        places = [index + 0.12 * shift for index in range(len(CORRELATIONS))]
        means = [statistics.mean(by[p]) for p in CORRELATIONS]
        deviations = [statistics.stdev(by[p]) for p in CORRELATIONS]
        bars = axis.errorbar(places, means, deviations, marker="o", capsize=3, label=model)
        for place, p in zip(places, CORRELATIONS, strict=True):
            axis.scatter([place] * len(by[p]), by[p], s=6, alpha=0.4, color=bars[0].get_color())
    axis.set_xticks(range(len(CORRELATIONS)), map(str, CORRELATIONS))
    axis.set_xlabel("correlation of the tasks")
    axis.set_ylabel("final test loss (sum of both tasks)")
    axis.set_title("Mean and deviation over seeds", fontsize="medium")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each setting, at least 2")
    parser.add_argument("--steps", type=int, default=10_000, help="training steps of a run")
    parser.add_argument("--samples", type=int, default=100_000, help="examples, 70 % to train")
    parser.add_argument("--rates", nargs="+", type=float, default=[0.003, 0.01], help="of Adam")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/reproduce_mmoe"), help="a new folder"
    )
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: the findings speak of deviations over seeds")
    words = [f"trainer.max_steps={options.steps}", f"dataset.num_samples={options.samples}"]
    settings = product(MODELS, CORRELATIONS, options.rates, range(options.seeds))
    jobs = [(Job(*setting), words, options.out) for setting in settings]
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        losses, rates = chosen(list(pool.map(run, *zip(*jobs, strict=True))))
    rows = [
        [
            model,
            *(
                f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f} at {rates[model][p]:g}"
                for p, v in by.items()
            ),
        ]
        for model, by in losses.items()
    ]
    header = ["test loss at learning rate", *(f"p = {p}" for p in CORRELATIONS)]
    picture = options.out / "losses.png"
    draw(losses, picture)
    lines = [f"{'holds' if held else 'DIFFERS'}: {what}" for what, held in findings(losses).items()]
    text = "\n".join([text_table(header, rows), "", *lines])
    (options.out / "table.txt").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"\n{text}\n\n{picture}\n")


if __name__ == "__main__":
    main()
