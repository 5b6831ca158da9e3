"""Learning curves of a run: each task's loss and metrics over the epochs, and its weight."""

from __future__ import annotations

from typing import Any

from mtl_cli.comparison.history import Curves, Points, read_history
from mtl_cli.run_folder import RunFolder

TASKS_PER_PICTURE = 6
MOST_TASKS = 24  # are drawn: a picture takes as long as seconds of training
COLORS = {"train": "#4477aa", "val": "#ee6677", "test": "#228833"}


def draw_curves(folder: RunFolder, title: str) -> None:
    """Draws ``plots/learning_curves.png`` from ``metrics.csv``; many tasks take several files, and
    of very many the first are drawn.

    Where a weighting changed the tasks' weights, ``plots/weights.png`` shows them.
    """
    curves = read_history(folder.metrics)
    weights = {
        task: metrics.pop("weight") for task, metrics in curves.items() if "weight" in metrics
    }
    tasks = list(curves)[:MOST_TASKS]
    if len(curves) > len(tasks):
        title += f": the first {len(tasks)} of {len(curves)} tasks"
    folder.plots.mkdir(exist_ok=True)
    for first in range(0, len(tasks), TASKS_PER_PICTURE):
        number = first // TASKS_PER_PICTURE
        name = f"learning_curves{f'_{number + 1}' if number else ''}.png"
        part = {task: curves[task] for task in tasks[first : first + TASKS_PER_PICTURE]}
        draw_tasks(part, title).savefig(folder.plots / name, dpi=120)
    if weights:
        lines = {task: weights[task]["train"] for task in tasks if task in weights}
        draw_weights(lines, title).savefig(folder.plots / "weights.png", dpi=120)


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


def finish(axis: Any, title: str, legend: bool = True) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title, fontsize="small")
    axis.set_xlabel("epoch", fontsize="small")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.tick_params(labelsize="x-small")
    axis.grid(alpha=0.3)
    if legend:
        axis.legend(fontsize="x-small")
