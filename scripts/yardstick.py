"""The yardstick of the defaults: ``mtl-train arch=single_task`` with data and targets alone,
against the best of scikit-learn's linear model and network, on real tables and texts.

    python scripts/yardstick.py                        # all: an hour on two cores
    python scripts/yardstick.py texts                  # texts alone: minutes
    python scripts/yardstick.py diabetes wine splits=2
    python scripts/yardstick.py first=5                 # on five other splits
    python scripts/yardstick.py enb optimizer.lr=0.003  # other words go to mtl-train

Five splits, the same test rows for both sides, and the mean of the five errors: the root of the
mean squared error, of values or of the classes' probabilities (Brier's score). A ratio below 1 is
better than the best reference. Prints a row for each target, and the geometric mean of all ratios.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import mtl_cli
from bench import text_yardstick
from bench.references import error_of, errors, of_table
from bench.small_tables import TABLES, SmallTable, halves
from bench.small_texts import TEXTS

OWN = ("splits", "first", "cache")
Errors = dict[str, dict[str, float]]  # {task: {model: error}}


def main() -> None:
    words = sys.argv[1:]
    names = [word for word in words if "=" not in word] or [*TABLES, "texts"]
    if "texts" in names:
        names[names.index("texts") :] = list(TEXTS)
    given = dict(word.split("=", 1) for word in words if word.split("=")[0] in OWN)
    others = [word for word in words if "=" in word and word.split("=")[0] not in given]
    logging.disable(logging.INFO)
    print(f"| {'table':9} | {'target':24} | floor | linear | network | mtl-train | ratio |")
    print("|---|---|---|---|---|---|---|")
    ratios, first = [], int(given.get("first", 0))
    for name in names:
        begin = time.perf_counter()
        splits = [
            one_split(name, seed, others, given.get("cache"))
            for seed in range(first, first + int(given.get("splits", 5)))
        ]
        for task in splits[0]:
            rows = [split[task] for split in splits]
            mean = {model: sum(row[model] for row in rows) / len(rows) for model in rows[0]}
            ratios.append(mean["ours"] / min(mean["linear"], mean["mlp"]))
            cells = [f"{mean[model]:.4g}" for model in ("floor", "linear", "mlp", "ours")]
            marks = " > 1.3" * (ratios[-1] > 1.3) + " floor" * (mean["ours"] >= mean["floor"])
            print(f"| {name:9} | {task:24} | {' | '.join(cells)} | {ratios[-1]:.3f}{marks} |")
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    print(f"\n{len(ratios)} targets, geometric mean {geometric_mean(ratios):.3f}, ", end="")
    print(f"greatest {max(ratios):.3f}")


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def one_split(name: str, seed: int, words: list[str], cache: str | None) -> Errors:
    """The errors of all models for each task of a table, or of texts."""
    if name in TEXTS:
        texts = TEXTS[name]()
        ours = text_yardstick.train(texts, seed, words)
        refer = partial(text_yardstick.reference, texts, seed)
    else:
        table = TABLES[name]()
        ours, refer = train(table, seed, words), partial(reference, table, seed)
    kept = Path(cache, f"{name}_{seed}.json") if cache is not None else None
    if kept is not None and kept.exists():
        known = json.loads(kept.read_text())
    else:
        known = refer()
        if kept is not None:
            kept.write_text(json.dumps(known))
    return {task: known[task] | {"ours": ours[task]} for task in known}


def reference(table: SmallTable, seed: int) -> Errors:
    """What scikit-learn reaches, with each task's rows alone."""
    train, test = halves(table.rows, seed)
    drop, column = [*table.targets, *filter(None, [table.task_column])], table.task_column
    inputs = of_table(train.drop(columns=drop))
    if column is not None:
        [(target, kind)] = table.targets.items()
        return {
            task: errors(own, test[test[column] == task], target, kind, inputs, seed)
            for task, own in train.groupby(column)
        }
    return {t: errors(train, test, t, kind, inputs, seed) for t, kind in table.targets.items()}


def train(table: SmallTable, seed: int, words: list[str]) -> dict[str, float]:
    """The same test errors of a training by the defaults."""
    with tempfile.TemporaryDirectory() as folder:
        for half, rows in zip(("train", "test"), halves(table.rows, seed), strict=True):
            rows.to_csv(f"{folder}/{half}.csv", index=False)
        targets = ", ".join(f"{task}: {kind}" for task, kind in table.targets.items())
        column = table.task_column
        summary = mtl_cli.train(
            [
                "arch=single_task",
                "dataset=table",
                f"dataset.path={folder}/train.csv",
                f"dataset.test_path={folder}/test.csv",
                f"dataset.targets={{{targets}}}",
                *([f"dataset.task_column={column}"] if column is not None else []),
                f"seed={seed}",
                f"dataset.split.seed={seed}",
                f"runs={folder}",
                *words,
            ]
        )
        found = {
            task: math.sqrt(figures["mse"])
            for task, figures in summary["test"].items()
            if "mse" in figures
        }
        said = mtl_cli.load_run("latest", runs=folder).predict(f"{folder}/test.csv")
    labels = halves(table.rows, seed)[1]
    classes = {task: kind for task, kind in table.targets.items() if kind != "regression"}
    return found | {t: error_of(said, t, kind, labels[t]) for t, kind in classes.items()}


if __name__ == "__main__":
    main()
