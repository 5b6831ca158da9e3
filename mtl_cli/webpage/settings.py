"""The settings of a table for a page: figures, Gain with its intervals, what repeats them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.dealt import differences
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.grids import in_braces
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.setting import shown
from mtl_cli.drawing.bands import Numbers
from mtl_cli.drawing.front import Pair, find_pairs, said_of
from mtl_cli.drawing.pareto import outline
from mtl_cli.drawing.style import MOST
from mtl_cli.webpage.thinned import short

COLUMNS = 40  # figures of a table
TASKS = 60  # of which each setting's gain is shown

Command = Callable[[Group], str]  # the command line that trains a setting


def pack_settings(
    table: Table, numbers: Numbers, confidence: float, command: Command
) -> dict[str, Any]:
    """A row for each setting, and the columns that they have."""
    columns = [
        (task, metric)
        for task, metric in table.columns
        if metric != "loss" or all(other != task or m == "loss" for other, m in table.columns)
    ]
    tasks = list(dict.fromkeys(task for task, _ in table.columns))
    ways = []
    for task, metric in columns[:COLUMNS]:
        own = {g.higher_is_better(task, metric) for g in table.groups if task in g.figures}
        ways.append(own.pop() if len(own) == 1 else None)
    first = {id(group) for group in telling(table.groups, MOST)}
    rows = [
        pack_setting(table, group, columns[:COLUMNS], numbers, confidence)
        | {"command": command(group), "first": id(group) in first}
        for group in table.groups
    ]
    return {
        "columns": [[*column, way] for column, way in zip(columns, ways, strict=False)],
        "columns_left_out": max(0, len(columns) - COLUMNS),
        "tasks": tasks[:TASKS],
        "tasks_left_out": max(0, len(tasks) - TASKS),
        "settings": rows,
    }


def pack_setting(
    table: Table,
    group: Group,
    columns: Sequence[tuple[str, str]],
    numbers: Numbers,
    confidence: float,
) -> dict[str, Any]:
    """One of them."""
    base = group.baseline
    row: dict[str, Any] = {
        "words": group.words,
        "look": numbers[group.words],
        "seeds": group.seeds,
        "folders": in_braces(group.runs),
        "rank": short(group.rank),
        "parameters": group.parameters,
        "seconds": short(group.seconds),
        "is_baseline": base is group,
        "baseline": None if base is None else table.groups.index(base),
        "figures": [figure(group, *column) for column in columns],
    }
    if group.gain is not None:
        row["gain"] = pack_gain(table, group, group.gain, confidence)
    return row


def figure(group: Group, task: str, metric: str) -> list[Any] | None:
    """Mean, standard deviation over the seeds, and how many there are."""
    values = list(group.figures.get(task, {}).get(metric, {}).values())
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return [short(statistics.mean(values), 6), short(sd, 3), len(values)]


def pack_gain(table: Table, group: Group, gain: Gain, confidence: float) -> dict[str, Any]:
    """Gain with the interval of its verdict; each task's part with one of its own.

    The interval of a task is at the report's confidence for this task alone: no correction for the
    others, and no verdict.
    """
    tasks: list[list[Any]] = []
    for task, values in [*gain.tasks.items()][:TASKS]:
        own = differences(table, group, gain.seeds, values) if values else None
        low, high = own.interval(1 - confidence) if own is not None else (None, None)
        tasks.append([task, short(gain.per_task[task], 6), short(low, 6), short(high, 6)])
    return {
        "total": short(gain.total, 6),
        "low": short(gain.low, 6),
        "high": short(gain.high, 6),
        "confidence": None if gain.whole is None else gain.whole.confidence,
        "word": gain.word,
        "pairs": gain.pairs,
        "tasks": tasks,
        "unlearned": [task for task, known in gain.learned.items() if known is False],
    }


def pack_fronts(table: Table, metric: str | None) -> list[dict[str, Any]]:
    """Task against task: a point each setting, small ones for its seeds, and the front."""
    return [pack_pair(table, pair) for pair in find_pairs(table, metric)]


def pack_pair(table: Table, pair: Pair) -> dict[str, Any]:
    points = []
    for group, point in zip(pair.groups, pair.points, strict=True):
        one, other = (group.figures[task][metric] for task, metric in pair.names)
        seeds = [[short(one[s]), short(other[s])] for s in one if s in other]
        g = table.groups.index(group)
        points.append({"g": g, "at": [*map(short, point)], "seeds": seeds})
    line = outline(pair.points, pair.higher) if len(pair.front) > 1 else []
    return {
        "names": pair.names,
        "higher": pair.higher,
        "points": points,
        "best": [table.groups.index(pair.groups[i]) for i in pair.best],
        "line": [[*map(short, corner)] for corner in line],
        "said": said_of(pair),
    }


def pack_configs(tables: Sequence[Table]) -> dict[str, Any]:
    """All configurations: what they have in common once, and what each has of its own.

    ``{"common": {key: value}, "own": [[{key: value} of each setting] of each table]}``
    """
    flat = [[texts(group) for group in table.groups] for table in tables]
    every = [own for configs in flat for own in configs]
    common = {
        key: value
        for key, value in (every[0] if every else {}).items()
        if all(other.get(key) == value for other in every)
    }
    own = [[{k: v for k, v in one.items() if k not in common} for one in few] for few in flat]
    return {"common": common, "own": own}


def texts(group: Group) -> dict[str, str]:
    """A setting's configuration, each value as one types it."""
    run = group.runs[0]
    chosen = {f"{name} (choice)": str(own) for name, own in run.choices.items() if own is not None}
    values = {
        key: shown(run.config, key) or "" for key in run.config if key not in ("seed", "name")
    }
    return chosen | values
