"""Learning curves of a run: each task's loss and metrics over the epochs, and its weight."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mtl_cli.comparison.history import Curves, Points, read_history
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.files import save
from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import legend_below, new_figure, task_look

COLUMNS = 4  # of axes; more metrics of a task go on in the next row
TASKS_PER_PICTURE = 6
SPLITS: dict[str, dict[str, Any]] = {
    "train": {"color": "#4477aa", "linestyle": (0, (4, 1.5))},
    "val": {"color": "#ee6677", "linestyle": "-"},
    "test": {"color": "#228833", "linestyle": (0, (1, 1)), "marker": "D", "markersize": 4},
}
SAME = 1e-4  # difference of two figures, as a part of them, by which a picture shows one

Metrics = Mapping[str, Mapping[str, Points]]  # {metric: {split: points}}


def draw_curves(folder: RunFolder, title: str, most_tasks: int) -> None:
    """Draws ``plots/learning_curves.png`` from ``metrics.csv``; many tasks take several files, and
    of very many the first are drawn.

    Where a weighting changed the tasks' weights, ``plots/weights.png`` shows them.
    """
    curves = read_history(folder.metrics)
    weights = {
        task: metrics.pop("weight") for task, metrics in curves.items() if "weight" in metrics
    }
    tasks = list(curves)[:most_tasks]
    if len(curves) > len(tasks):
        title += f": the first {len(tasks)} of {len(curves)} tasks"
    make_folder(folder.plots)
    shown = {task: different(curves[task])[0] for task in tasks}
    for number, part in enumerate(in_pictures(shown, TASKS_PER_PICTURE)):
        name = f"learning_curves{f'_{number + 1}' if number else ''}.png"
        save(draw_tasks({task: curves[task] for task in part}, title), folder.plots / name)
    if weights:
        lines = {task: weights[task]["train"] for task in tasks if task in weights}
        save(draw_weights(lines, title), folder.plots / "weights.png")


def draw_tasks(curves: Curves, title: str) -> Any:
    """Each task's loss, then its metrics, from a new row on; what equals it is named there."""
    shown = {task: different(metrics) for task, metrics in curves.items()}
    figure, axes = task_axes({task: own for task, (own, _) in shown.items()}, title, 3.6, 2.6)
    handles = {}
    for (task, metric), axis in axes.items():
        for split, points in curves[task][metric].items():
            handles[split] = draw_line(axis, points, **SPLITS[split])
        finish(axis, f"{task}: {in_words(metric, shown[task][1])}")
    names = [split for split in SPLITS if split in handles]
    legend_below(figure, [handles[split] for split in names], names)
    return figure


def different(metrics: Metrics) -> tuple[list[str], list[str]]:
    """The metrics that are drawn, and those that equal the loss."""
    same = equal_to_loss([metrics])
    return [metric for metric in metrics if metric not in same], same


def equal_to_loss(runs: Iterable[Metrics]) -> list[str]:
    """The metrics whose figures are the loss's, wherever one of the runs has both."""
    found: dict[str, bool] = {}
    for metrics in runs:
        losses = metrics.get("loss", {})
        for metric, splits in metrics.items():
            both = [split for split in splits if split in losses]
            if metric != "loss" and both:
                alike = all(equal(splits[split], losses[split]) for split in both)
                found[metric] = found.get(metric, True) and alike
    return [metric for metric, alike in found.items() if alike]


def equal(points: Points, others: Points) -> bool:
    return len(points) == len(others) and all(
        one[0] == other[0] and math.isclose(one[1], other[1], rel_tol=SAME)
        for one, other in zip(points, others, strict=True)
    )


def in_words(metric: str, same: Collection[str]) -> str:
    """``loss``, or ``loss = mse``."""
    return " = ".join([metric, *same]) if metric == "loss" else metric


def draw_weights(lines: dict[str, Points], title: str) -> Any:
    """The weight of every task, as a mean over each epoch's steps."""
    figure = new_figure(5.0, 3.1, title)
    axis = figure.subplots()
    handles = [draw_line(axis, points, **task_look(n)) for n, points in enumerate(lines.values())]
    finish(axis, "weight of each task's loss")
    legend_below(figure, handles, list(lines))
    return figure


def in_pictures(metrics: Mapping[str, Collection[str]], most: int) -> list[list[str]]:
    """The tasks of each picture: ``most`` on a screen, in a column as many as it holds."""
    pictures: list[list[str]] = [[]]
    for task in metrics:
        axes = sum(len(metrics[own]) for own in [*pictures[-1], task])
        if pictures[-1] and (len(pictures[-1]) == most or not page().holds(axes, COLUMNS)):
            pictures.append([])
        pictures[-1].append(task)
    return pictures


def task_axes(
    metrics: Mapping[str, Collection[str]], title: str, width: float, height: float
) -> tuple[Any, dict[tuple[str, str], Any]]:
    """A figure, and ``{(task, metric): its axes}``: a row a task, of many metrics several; in a
    column, which has few axes beside each other, one task after the other.

    Args:
        metrics: ``{task: its metrics}``.
        title: stands above the figure.
        width: of one of the axes, in inches.
        height: the same.
    """
    columns = min(page().beside(COLUMNS), max(map(len, metrics.values())))
    places: dict[tuple[str, str], int] = {}
    end = 0
    for task, own in metrics.items():
        end = end if page().width is not None else columns * math.ceil(end / columns)
        places |= {(task, metric): end + n for n, metric in enumerate(own)}
        end += len(own)
    rows = math.ceil(end / columns)
    figure = new_figure(max(width * columns, 5), height * rows + 0.5, title)
    grid = figure.add_gridspec(rows, columns)
    axes = {key: figure.add_subplot(grid[divmod(n, columns)]) for key, n in places.items()}
    if page().width is not None:  # where every line counts, "epoch" stands below the lowest alone
        for axis in [*axes.values()][:-columns]:
            axis.xaxis.label.set_visible(False)
    return figure, axes


def draw_line(axis: Any, points: Points, **style: Any) -> Any:
    """A line, or a mark where there is one point alone."""
    if len(points) == 1:
        mark = {"marker": "o", "markersize": 5, "zorder": 3}
        style = mark | style | {"linestyle": "none"}
    return axis.plot(*zip(*points, strict=True), **style)[0]


def finish(axis: Any, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title, fontsize="small")
    axis.set_xlabel("epoch", fontsize="small")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.tick_params(labelsize="x-small")
    axis.grid(alpha=0.3)
