"""Learning curves of a run: each task's loss and metrics over the epochs."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import Any

from mtl_cli.run_folder import RunFolder

TASKS_PER_PICTURE = 6
COLORS = {"train": "#4477aa", "val": "#ee6677", "test": "#228833"}

Curves = dict[str, dict[str, dict[str, list[tuple[int, float]]]]]  # task, metric, split: points


def draw_curves(folder: RunFolder, title: str) -> None:
    """Draws ``plots/learning_curves.png`` from ``metrics.csv``; many tasks take several files."""
    curves = read_curves(folder)
    tasks = list(curves)
    folder.plots.mkdir(exist_ok=True)
    for first in range(0, len(tasks), TASKS_PER_PICTURE):
        number = first // TASKS_PER_PICTURE
        name = f"learning_curves{f'_{number + 1}' if number else ''}.png"
        part = {task: curves[task] for task in tasks[first : first + TASKS_PER_PICTURE]}
        draw(part, title).savefig(folder.plots / name, dpi=120)


def read_curves(folder: RunFolder) -> Curves:
    """The epoch rows of ``metrics.csv``, without the totals."""
    curves: Any = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    with open(folder.metrics, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["task"] and row["split"] in COLORS:
                points = curves[row["task"]][row["metric"]][row["split"]]
                points.append((int(row["epoch"]), float(row["value"])))
    return curves


def draw(curves: Curves, title: str) -> Any:
    """A row a task: its loss, then its metrics."""
    from matplotlib.figure import Figure  # without pyplot, which would look for a display
    from matplotlib.ticker import MaxNLocator

    columns = max(len(metrics) for metrics in curves.values())
    figure = Figure(figsize=(3.6 * columns, 2.6 * len(curves) + 0.5), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    axes = figure.subplots(len(curves), columns, squeeze=False)
    for row, (task, metrics) in zip(axes, curves.items(), strict=True):
        for axis, (metric, splits) in zip(row, metrics.items(), strict=False):
            for split, points in splits.items():
                marker = "o" if len(points) == 1 else None
                axis.plot(
                    *zip(*points, strict=True), label=split, color=COLORS[split], marker=marker
                )
            axis.set_title(f"{task}: {metric}", fontsize="small")
            axis.set_xlabel("epoch", fontsize="small")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.tick_params(labelsize="x-small")
            axis.grid(alpha=0.3)
            axis.legend(fontsize="x-small")
        for axis in row[len(metrics) :]:
            axis.set_axis_off()
    return figure
