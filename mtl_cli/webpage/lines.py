"""Learning curves and the weights of the tasks, for a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Table
from mtl_cli.comparison.history import EPOCH_SPLITS, Curves
from mtl_cli.drawing.bands import Histories, metrics_of
from mtl_cli.drawing.curves import in_words
from mtl_cli.webpage.thinned import FEWEST, MOST, Grids, packed

NUMBERS = 150_000  # of all lines of a page, about a megabyte


def pack_curves(table: Table, histories: Histories, numbers: int = NUMBERS) -> dict[str, Any]:
    """``{"metrics": [[task, metric, name]], "lines": [{g, m, split, ...}], "grids", "left_out"}``.

    Where there are very many tasks, the first ones alone have curves: as many as have room.
    """
    tasks = list(dict.fromkeys(t for runs in histories.values() for run in runs for t in run))
    drawn, same = metrics_of(table.groups, histories, tasks)
    seeds = 2 if any(len(group.runs) > 1 for group in table.groups) else 1
    room = numbers // (FEWEST * seeds)
    kept: list[tuple[str, str, str]] = []
    count, taken = 0, 0
    for task in tasks:
        own = sum(
            metric in drawn[task]
            for runs in histories.values()
            for run in runs[:1]
            for metric, splits in run.get(task, {}).items()
            for _ in splits
        )
        if kept and count + own > room:
            break
        count, taken = count + own, taken + 1
        kept += [(task, metric, in_words(metric, same[task])) for metric in drawn[task]]
    most = max(FEWEST, min(MOST, numbers // max(1, count * seeds)))
    grids = Grids()
    lines = []
    for g, group in enumerate(table.groups):
        runs = histories[id(group)]
        for m, (task, metric, _) in enumerate(kept):
            for split in EPOCH_SPLITS:
                own_lines = points_of(runs, task, metric, split)
                line = packed(own_lines, most, grids)
                if line is not None:
                    lines.append({"g": g, "m": m, "split": split, **line})
    return {
        "metrics": kept,
        "lines": lines,
        "grids": grids.packed(),
        "left_out": len(tasks) - taken,
    }


def points_of(runs: Sequence[Curves], task: str, metric: str, split: str) -> list[Any]:
    """A figure's points in each of several runs."""
    return [run.get(task, {}).get(metric, {}).get(split, []) for run in runs]


def pack_weights(table: Table, histories: Histories, settings: int, tasks: int) -> dict[str, Any]:
    """``{"charts": [{g, lines: [{task, ...}]}], "grids"}`` of the settings that say weights.

    Args:
        table: the settings.
        histories: of their runs.
        settings: at most so many, the most telling ones.
        tasks: at most so many lines in a chart.
    """
    grids = Grids()
    charts = []
    weighted = [
        group
        for group in table.groups
        if any("weight" in own for run in histories.get(id(group), []) for own in run.values())
    ]
    for group in telling(weighted, settings):
        runs = histories[id(group)]
        lines: list[dict[str, Any]] = []
        for task in dict.fromkeys(task for run in runs for task in run):
            line = packed(points_of(runs, task, "weight", "train"), MOST // 3, grids)
            if line is not None and len(lines) < tasks:
                lines.append({"task": task, **line})
        if lines:
            charts.append({"g": table.groups.index(group), "lines": lines})
    return {"charts": charts, "grids": grids.packed()}
