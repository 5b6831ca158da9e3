"""Learning curves of a run: each task's loss and metrics over the epochs, and its weight."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import Any

from mtl_cli.run_folder import RunFolder

TASKS_PER_PICTURE = 6
COLORS = {"train": "#4477aa", "val": "#ee6677", "test": "#228833"}

Points = list[tuple[int, float]]  # (epoch, value)
Curves = dict[str, dict[str, dict[str, Points]]]  # task, metric, split


def draw_curves(folder: RunFolder, title: str) -> None:
    """Draws ``plots/learning_curves.png`` from ``metrics.csv``; many tasks take several files.

    Where a weighting changed the tasks' weights, ``plots/weights.png`` shows them.
    """
    curves = read_curves(folder)
    weights = {
        task: metrics.pop("weight") for task, metrics in curves.items() if "weight" in metrics
    }
    tasks = list(curves)
    folder.plots.mkdir(exist_ok=True)
    for first in range(0, len(tasks), TASKS_PER_PICTURE):
        number = first // TASKS_PER_PICTURE
        name = f"learning_curves{f'_{number + 1}' if number else ''}.png"
        part = {task: curves[task] for task in tasks[first : first + TASKS_PER_PICTURE]}
        draw_tasks(part, title).savefig(folder.plots / name, dpi=120)
    if weights:
        lines = {task: splits["train"] for task, splits in weights.items()}
        draw_weights(lines, title).savefig(folder.plots / "weights.png", dpi=120)


def read_curves(folder: RunFolder) -> Curves:
    """The epoch rows of ``metrics.csv``, without the totals."""
    curves: Any = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    with open(folder.metrics, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["task"] and row["split"] in COLORS:
                points = curves[row["task"]][row["metric"]][row["split"]]
                points.append((int(row["epoch"]), float(row["value"])))
    return curves


def draw_tasks(curves: Curves, title: str) -> Any:
    """A row a task: its loss, then its metrics."""
    columns = max(len(metrics) for metrics in curves.values())
    figure, axes = make_figure(len(curves), columns, title)
    for row, (task, metrics) in zip(axes, curves.items(), strict=True):
        for axis, (metric, splits) in zip(row, metrics.items(), strict=False):
            for split, points in splits.items():
                draw_line(axis, points, label=split, color=COLORS[split])
            finish(axis, f"{task}: {metric}")
        for axis in row[len(metrics) :]:
            axis.set_axis_off()
    return figure


def draw_weights(lines: dict[str, Points], title: str) -> Any:
    """The weight of every task, as a mean over each epoch's steps."""
    figure, axes = make_figure(1, 1, title)
    for task, points in lines.items():
        draw_line(axes[0, 0], points, label=task)
    finish(axes[0, 0], "weight of each task's loss")
    return figure


def make_figure(rows: int, columns: int, title: str) -> tuple[Any, Any]:
    """A figure and its axes, [rows, columns]."""
    from matplotlib.figure import Figure  # without pyplot, which would look for a display

    figure = Figure(figsize=(max(3.6 * columns, 5), 2.6 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    return figure, figure.subplots(rows, columns, squeeze=False)


def draw_line(axis: Any, points: Points, **style: Any) -> None:
    axis.plot(*zip(*points, strict=True), marker="o" if len(points) == 1 else None, **style)


def finish(axis: Any, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title, fontsize="small")
    axis.set_xlabel("epoch", fontsize="small")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.tick_params(labelsize="x-small")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="x-small")
