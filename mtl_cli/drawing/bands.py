"""Learning curves of settings with their spread over seeds, and the weights of their tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.history import Curves, Points
from mtl_cli.drawing.curves import equal_to_loss, finish, in_pictures, in_words, task_axes
from mtl_cli.drawing.files import save
from mtl_cli.drawing.page import page
from mtl_cli.drawing.spread import Band, band, common_end, draw_as_far_as_all_go, draw_band
from mtl_cli.drawing.spread import in_words as spread_in_words
from mtl_cli.drawing.style import (
    MOST,
    label,
    legend_below,
    look,
    names_of,
    new_figure,
    task_look,
)

TASKS = 4  # in one picture
PICTURES = 4
SPLITS = ("val", "test", "train")  # the first that there is
LOG = 30  # ratio of the largest to the smallest loss from which on the axis is logarithmic

Histories = dict[int, list[Curves]]  # {id of a group: of its runs}
Numbers = Mapping[str, int]  # {words of a setting: its number, which says how it looks}


def draw_learning_curves(
    groups: Sequence[Group], histories: Histories, title: str, out: Path, numbers: Numbers
) -> list[Path]:
    """``learning_curves.png``: a row a task, an axis a metric; many tasks take several files."""
    shown = telling([g for g in groups if any(histories.get(id(g), []))], MOST)
    if len(shown) < len(groups):
        title += f", {len(shown)} of {len(groups)} settings"
    tasks = list(dict.fromkeys(task for g in shown for run in histories[id(g)] for task in run))
    if len(tasks) > TASKS * PICTURES:
        title += f", {TASKS * PICTURES} of {len(tasks)} tasks"
    files = []
    metrics, _ = metrics_of(shown, histories, tasks[: TASKS * PICTURES])
    for number, part in enumerate(in_pictures(metrics, TASKS)):
        name = f"learning_curves{f'_{number + 1}' if number else ''}.png"
        files.append(save(draw_tasks(shown, histories, part, title, numbers), out / name))
    return files


def draw_tasks(
    groups: Sequence[Group],
    histories: Histories,
    tasks: Sequence[str],
    title: str,
    numbers: Numbers,
) -> Any:
    metrics, same = metrics_of(groups, histories, tasks)
    seeds = [[next(iter(first_curves(run, tasks)), []) for run in histories[id(g)]] for g in groups]
    figure, axes = task_axes(metrics, f"{title}: {spread_in_words(seeds)}", 3.4, 2.5)
    for (task, metric), axis in axes.items():
        split = draw_metric(axis, groups, histories, task, metric, numbers)
        finish(axis, f"{task}: {in_words(metric, same[task])} on {split}")
    looks = [look(numbers[group.words]) for group in groups]
    handles = [figure.axes[0].plot([], [], **own)[0] for own in looks]
    legend_below(figure, handles, names_of([group.words for group in groups]))
    return figure


def metrics_of(
    groups: Sequence[Group], histories: Histories, tasks: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The metrics of each task that are drawn, and those that equal its loss."""
    drawn, same = {}, {}
    for task in tasks:
        runs = [run.get(task, {}) for g in groups for run in histories[id(g)]]
        same[task] = equal_to_loss(runs)
        found = dict.fromkeys(metric for run in runs for metric in run)
        drawn[task] = [m for m in found if m != "weight" and m not in same[task]]
    return drawn, same


def first_curves(run: Curves, tasks: Sequence[str]) -> list[Points]:
    """The curves of a run, of its first split that is drawn."""
    return [
        metric[split]
        for task in tasks
        for metric in run.get(task, {}).values()
        for split in SPLITS
        if split in metric
    ]


def draw_metric(
    axis: Any,
    groups: Sequence[Group],
    histories: Histories,
    task: str,
    metric: str,
    numbers: Numbers,
) -> str:
    """Draws every group's line with its spread; gives the split that it is of."""
    there = {
        s for g in groups for run in histories[id(g)] for s in run.get(task, {}).get(metric, {})
    }
    split = next(split for split in SPLITS if split in there)
    heights: list[float] = []
    for place, group in enumerate(groups):
        lines = [run.get(task, {}).get(metric, {}).get(split, []) for run in histories[id(group)]]
        points = band(lines)
        style = look(numbers[group.words])
        draw_as_far_as_all_go(axis, points, common_end(lines), place, len(groups), **style)
        heights += [mean for _, mean, _ in points]
    if metric == "loss" and heights and min(heights) > 0 and max(heights) > LOG * min(heights):
        axis.set_yscale("log")
    return split


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
    names = dict(zip(lines, names_of(list(lines)), strict=True))
    columns = min(page().beside(2), len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(
        max(6.0, 4.2 * columns), 2.8 * rows + 0.5, f"{title}: weights of the losses"
    )
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    tasks = list(dict.fromkeys(task for _, own in shown for task in own))[:MOST]
    for axis, (words, own) in zip(axes, shown, strict=False):
        for number, task in enumerate(tasks):
            draw_band(axis, own.get(task, []), number, len(tasks), **task_look(number))
        finish(axis, label(names[words], 44 if columns == 1 or page().width is None else 22))
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    handles = [axes[0].plot([], [], **task_look(i))[0] for i in range(len(tasks))]
    legend_below(figure, handles, tasks)
    return [save(figure, out / "weights.png")]
