"""How often single-task against itself gets a verdict on real tables: at most 6 in 100 is asked.

    python scripts/verdicts.py              # five tables, some ten minutes
    python scripts/verdicts.py wine splits=12 inits=4

On each of some deals of the rows, `arch=single_task` is trained from several first weights, by the
defaults. A report is then five deals, and on each of them two of the trainings, drawn at random, as
its two sides: they differ in nothing but their names. Prints the share of reports with a verdict on
the whole, as `mtl-report` gives it and by Student's t without the correction for shared rows, and
the greatest share for a single task.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

import mtl_cli
from bench.small_tables import TABLES, SmallTable
from mtl_cli.comparison.gain import gain_over
from mtl_cli.comparison.verdict import Differences, verdict_at

USUAL = ["wine", "jura", "diabetes", "enb", "census"]
SEEDS, REPORTS, LEVEL = 5, 4000, 0.05

Runs = list[list[dict[str, float]]]  # of each deal, from each first weights: {task: figure}


def main() -> None:
    words = sys.argv[1:]
    names = [word for word in words if "=" not in word] or USUAL
    given = dict(word.split("=", 1) for word in words if "=" in word)
    logging.disable(logging.INFO)
    print("| table | rows | trainings | verdicts | without the correction | worst task |")
    print("|---|---|---|---|---|---|")
    for name in names:
        table = TABLES[name]()
        runs, higher, overlap = train(
            table, int(given.get("splits", 8)), int(given.get("inits", 3))
        )
        ours, plain, tasks = shares(runs, higher, overlap)
        said = " | ".join(f"{100 * share:.1f} %" for share in (ours, plain, tasks))
        trainings = sum(map(len, runs))
        print(f"| {name} | {len(table.rows)} | {trainings} | {said} |", flush=True)


def train(table: SmallTable, splits: int, inits: int) -> tuple[Runs, dict[str, bool], float]:
    """The figures of each task's first metric on test, its direction, and n_test / n_train."""
    runs: Runs = []
    with tempfile.TemporaryDirectory() as folder:
        table.rows.to_csv(f"{folder}/rows.csv", index=False)
        targets = ", ".join(f"{task}: {kind}" for task, kind in table.targets.items())
        for split in range(splits):
            runs.append([])
            for init in range(inits):
                summary = mtl_cli.train(
                    [
                        "arch=single_task",
                        "dataset=table",
                        f"dataset.path={folder}/rows.csv",
                        f"dataset.targets={{{targets}}}",
                        f"dataset.split.seed={split}",
                        f"seed={inits * split + init}",
                        f"runs={folder}",
                    ]
                )
                first = {task: next(iter(own)) for task, own in summary["metrics"].items()}
                runs[-1].append({task: summary["test"][task][name] for task, name in first.items()})
    higher = {
        task: summary["metrics"][task][name]["higher_is_better"] for task, name in first.items()
    }
    sizes = summary["dataset"]["sizes"]
    return runs, higher, sizes["test"] / sizes["train"]


def shares(runs: Runs, higher: dict[str, bool], overlap: float) -> tuple[float, float, float]:
    """Of reports with a verdict: corrected, uncorrected, and corrected for the worst task."""
    rng = np.random.default_rng(0)
    found: dict[str, list[bool]] = {}
    for _ in range(REPORTS):
        deals = rng.choice(len(runs), SEEDS, replace=False)
        pairs = {int(deal): rng.choice(len(runs[deal]), 2, replace=False) for deal in deals}
        own, other = (
            {
                task: {deal: runs[deal][pair[side]][task] for deal, pair in pairs.items()}
                for task in higher
            }
            for side in (0, 1)
        )
        gain = gain_over(own, other, higher)
        asked = {"": (gain.by_seed, overlap), "plain": (gain.by_seed, 0.0)}
        asked |= {f"task {task}": (values or [], overlap) for task, values in gain.tasks.items()}
        for what, (values, shared) in asked.items():
            verdict = (
                verdict_at(Differences(values, shared), LEVEL).word if values else "cannot say"
            )
            found.setdefault(what, []).append(verdict != "cannot say")
    share = {what: float(np.mean(said)) for what, said in found.items()}
    return share[""], share["plain"], max(share[what] for what in share if what.startswith("task "))


if __name__ == "__main__":
    main()
