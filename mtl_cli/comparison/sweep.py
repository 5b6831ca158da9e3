"""The table at the end of a sweep: its runs, grouped by what differs, seeds together."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from mtl_cli.comparison.table import text_table


def show_sweep(folder: Path) -> None:
    """Prints the runs of a sweep: means and deviations over seeds of each task's test figures."""
    runs = [read_run(path) for path in sorted(folder.iterdir(), key=numeric) if path.is_dir()]
    if runs:
        known = [run for run in runs if run["overrides"]]  # the others left no summary
        sys.stdout.write(f"\n{folder}\n{sweep_table(known)}\n" if known else "")
        for run in runs:
            if run["status"] not in ("completed", "stopped_early"):
                sys.stdout.write(f"{run['folder']}: {run['status']}; see train.log there\n")


def numeric(path: Path) -> tuple[int, str]:
    return (int(path.name) if path.name.isdigit() else sys.maxsize, path.name)


def read_run(path: Path) -> dict[str, Any]:
    """The summary of a run; of one that left none, that it has none."""
    file = path / "summary.json"
    summary = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {"status": "failed", "overrides": []} | summary | {"folder": str(path)}


def sweep_table(runs: list[dict[str, Any]]) -> str:
    """A row for each setting: how many runs, parameters, and each task's first metric on test."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(
            tuple(w for w in run["overrides"] if not w.startswith("seed=")), []
        ).append(run)
    common = set.intersection(*(set(words) for words in groups))
    rows = []
    figures: dict[str, None] = {}
    for words, members in groups.items():
        done = [run for run in members if run.get("test")]
        row: dict[str, Any] = {"runs": len(done)}
        row["setting"] = " ".join(w for w in words if w not in common) or "all"
        if done:
            row["parameters"] = done[0]["parameters"]["total"]
        for task in {task: None for run in done for task in run["test"]}:
            metric = next((m for m in done[0]["test"][task] if m != "loss"), "loss")
            values = [run["test"][task][metric] for run in done if run["test"].get(task)]
            row[f"{task}/{metric}"] = spread([value for value in values if value is not None])
            figures[f"{task}/{metric}"] = None
        rows.append(row)
    header = ["setting", "runs", "parameters", *figures]
    return text_table(header, [[row.get(column) for column in header] for row in rows])


def spread(values: list[float]) -> str | None:
    """Mean and, of several values, standard deviation."""
    if not values:
        return None
    mean = f"{statistics.mean(values):.4f}"
    return f"{mean} ± {statistics.stdev(values):.4f}" if len(values) > 1 else mean
