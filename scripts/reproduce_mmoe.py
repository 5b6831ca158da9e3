"""The synthetic study of the MMoE paper (section 3.2): does a gate for each task help unlike tasks?

    python scripts/reproduce_mmoe.py [--seeds 10] [--steps 3000] [--out runs/reproduce_mmoe]

Trains shared bottom, OMoE (one gate) and MMoE for three correlations of the tasks over several
seeds, prints the final test losses, draws them, and says which of the paper's findings hold.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

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


def train_all(seeds: int, steps: int, out: Path) -> Losses:
    """The final test loss (sum over both tasks) of every model, correlation and seed.

    A seed draws data and initial weights; all models see the same data.
    """
    losses: Losses = {model: {p: [] for p in CORRELATIONS} for model in MODELS}
    for model, words in MODELS.items():
        for p in CORRELATIONS:
            for seed in range(seeds):
                folder = out / f"{model.replace(' ', '_')}_{p}_{seed}"
                given = [f"hydra.run.dir={folder}", f"seed={seed}", f"dataset.seed={seed}"]
                given += [f"dataset.correlation={p}", f"trainer.max_steps={steps}"]
                summary = train([*COMMON, *words, *given])
                losses[model][p].append(sum(test["loss"] for test in summary["test"].values()))
    return losses


def findings(losses: Losses) -> dict[str, bool]:
    """The paper's findings, and whether these losses show them."""
    mean = {m: {p: statistics.mean(v) for p, v in by.items()} for m, by in losses.items()}
    spread = {m: statistics.mean(map(statistics.stdev, by.values())) for m, by in losses.items()}
    gap = {m: max(by.values()) - min(by.values()) for m, by in mean.items()}
    falls = all(by[0.5] > by[0.9] > by[1.0] for by in mean.values())
    at_one = abs(mean["MMoE"][1.0] - mean["OMoE"][1.0])
    noise = max(statistics.stdev(losses[m][1.0]) for m in ("MMoE", "OMoE"))
    return {
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
    parser.add_argument("--steps", type=int, default=3000, help="training steps of a run")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/reproduce_mmoe"), help="a new folder"
    )
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: the findings speak of deviations over seeds")
    losses = train_all(options.seeds, options.steps, options.out)
    rows = [
        [model, *(f"{statistics.mean(v):.4f} ± {statistics.stdev(v):.4f}" for v in by.values())]
        for model, by in losses.items()
    ]
    header = ["model", *(f"p = {p}" for p in CORRELATIONS)]
    picture = options.out / "losses.png"
    draw(losses, picture)
    lines = [f"{'holds' if held else 'DIFFERS'}: {what}" for what, held in findings(losses).items()]
    text = "\n".join([text_table(header, rows), "", *lines])
    (options.out / "table.txt").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"\n{text}\n\n{picture}\n")


if __name__ == "__main__":
    main()
