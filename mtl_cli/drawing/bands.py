"""Learning curves of settings with bands over their seeds, and the weights of their tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.history import Curves, Points
from mtl_cli.drawing.curves import finish, task_axes
from mtl_cli.drawing.files import save
from mtl_cli.drawing.style import MOST, label, legend_below, look, new_figure

TASKS = 4  # in one picture
PICTURES = 4
SPLITS = ("val", "test", "train")  # the first that there is
FAINT = 0.3  # of a curve beyond the epochs that all seeds have
LOG = 30  # ratio of the largest to the smallest loss from which on the axis is logarithmic

Band = list[tuple[int, float, float]]  # (epoch, mean, standard deviation)
Histories = dict[int, list[Curves]]  # {id of a group: of its runs}


def band(lines: Sequence[Points]) -> Band:
    """Mean and standard deviation over the seeds, at each epoch that any of them has."""
    values: dict[int, list[float]] = {}
    for line in lines:
        for epoch, value in line:
            if math.isfinite(value):
                values.setdefault(epoch, []).append(value)
    return [(epoch, *mean_and_deviation(own)) for epoch, own in sorted(values.items())]


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """As in ``statistics``, which is exact and a hundred times as slow."""
    mean = math.fsum(values) / len(values)
    square = math.fsum((value - mean) ** 2 for value in values)
    return mean, math.sqrt(square / (len(values) - 1)) if len(values) > 1 else 0.0


def draw_learning_curves(
    groups: Sequence[Group], histories: Histories, title: str, out: Path
) -> list[Path]:
    """``learning_curves.png``: a row a task, an axis a metric; many tasks take several files."""
    shown = telling([g for g in groups if any(histories.get(id(g), []))], MOST)
    if len(shown) < len(groups):
        title += f", {len(shown)} of {len(groups)} settings"
    tasks = list(dict.fromkeys(task for g in shown for run in histories[id(g)] for task in run))
    if len(tasks) > TASKS * PICTURES:
        title += f", {TASKS * PICTURES} of {len(tasks)} tasks"
    files = []
    for number in range(min(PICTURES, math.ceil(len(tasks) / TASKS))):
        part = tasks[number * TASKS : (number + 1) * TASKS]
        name = f"learning_curves{f'_{number + 1}' if number else ''}.png"
        figure = draw_tasks(
            shown, histories, part, f"{title}: mean ± sd over seeds, faint where some have stopped"
        )
        files.append(save(figure, out / name))
    return files


def draw_tasks(
    groups: Sequence[Group], histories: Histories, tasks: Sequence[str], title: str
) -> Any:
    metrics = {
        task: list(
            dict.fromkeys(
                metric
                for g in groups
                for run in histories[id(g)]
                for metric in run.get(task, {})
                if metric != "weight"
            )
        )
        for task in tasks
    }
    figure, axes = task_axes(metrics, title, 3.4, 2.5)
    for (task, metric), axis in axes.items():
        split = draw_metric(axis, groups, histories, task, metric)
        finish(axis, f"{task}: {metric} on {split}")
    handles = [figure.axes[0].plot([], [], **look(i))[0] for i in range(len(groups))]
    legend_below(figure, handles, [group.words for group in groups])
    return figure


def draw_metric(
    axis: Any, groups: Sequence[Group], histories: Histories, task: str, metric: str
) -> str:
    """Draws every group's band; gives the split that it is of."""
    there = {
        s for g in groups for run in histories[id(g)] for s in run.get(task, {}).get(metric, {})
    }
    split = next(split for split in SPLITS if split in there)
    heights: list[float] = []
    for number, group in enumerate(groups):
        lines = [run.get(task, {}).get(metric, {}).get(split, []) for run in histories[id(group)]]
        points = band(lines)
        draw_as_far_as_all_go(axis, points, common_end(lines), **look(number))
        heights += [mean for _, mean, _ in points]
    if metric == "loss" and heights and min(heights) > 0 and max(heights) > LOG * min(heights):
        axis.set_yscale("log")
    return split


def common_end(lines: Sequence[Points]) -> int:
    """The last epoch that all seeds have; 0 where there are none."""
    return min((line[-1][0] for line in lines if line), default=0)


def draw_as_far_as_all_go(axis: Any, points: Band, end: int, **style: Any) -> None:
    """A band up to an epoch; faint and without its width beyond, where some seeds have stopped.

    There the mean is one of ever fewer seeds, and jumps without any of them getting better.
    """
    draw_band(axis, [point for point in points if point[0] <= end], **style)
    beyond = [(epoch, mean) for epoch, mean, _ in points if epoch >= end]
    if len(beyond) > 1:
        axis.plot(*zip(*beyond, strict=True), **style | {"alpha": FAINT})


def draw_band(axis: Any, points: Band, **style: Any) -> None:
    if not points:
        return
    epochs, means, deviations = zip(*points, strict=True)
    axis.plot(epochs, means, marker="o" if len(points) == 1 else None, **style)
    low = [mean - sd for mean, sd in zip(means, deviations, strict=True)]
    high = [mean + sd for mean, sd in zip(means, deviations, strict=True)]
    axis.fill_between(epochs, low, high, color=style["color"], alpha=0.18, linewidth=0)


def draw_weights(
    groups: Sequence[Group], histories: Histories, title: str, out: Path
) -> list[Path]:
    """``weights.png``: the weights of the tasks' losses over time, where a weighting says any."""
    lines: dict[str, dict[str, Band]] = {}
    weighted = [
        g
        for g in groups
        if any("weight" in own for run in histories.get(id(g), []) for own in run.values())
    ]
    for group in telling(weighted, MOST):
        runs = histories[id(group)]
        for task in dict.fromkeys(task for run in runs for task in run):
            said = [run.get(task, {}).get("weight", {}).get("train", []) for run in runs]
            if any(said):
                lines.setdefault(group.words, {})[task] = band(said)
    shown = list(lines.items())
    if not shown:
        return []
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(
        max(6.0, 4.2 * columns), 2.8 * rows + 0.5, f"{title}: weights of the losses"
    )
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    tasks = list(dict.fromkeys(task for _, own in shown for task in own))[:MOST]
    for axis, (words, own) in zip(axes, shown, strict=False):
        for number, task in enumerate(tasks):
            draw_band(axis, own.get(task, []), **look(number))
        finish(axis, label(words, 44))
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    handles = [axes[0].plot([], [], **look(i))[0] for i in range(len(tasks))]
    legend_below(figure, handles, tasks)
    return [save(figure, out / "weights.png")]
