"""The tables of a comparison: the answer, each task's gain, every figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from mtl_cli.comparison.averaged import ALL
from mtl_cli.comparison.beside import ROWS, SHORT, beside_rows
from mtl_cli.comparison.compare import Options, compared
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import SavedRun
from mtl_cli.comparison.setting import folds_of
from mtl_cli.comparison.table import Grid
from mtl_cli.comparison.verdict import percent
from mtl_cli.disk.run_folder import from_here

BOLD = "Bold: the largest Gain among the settings of which the verdict says that sharing helps."
HELPS = "helps"  # the word of such a verdict
ARROWS = {True: " ↑", False: " ↓", None: ""}  # which way is better


def grids(table: Table, options: Options) -> list[Grid]:
    """The tables of one data set."""
    found = [answer(table, options)]
    gaining = [group for group in table.groups if group.gain is not None]
    if gaining and len(gaining[0].figures) > 1:
        found.append(task_gains(table, gaining))
    return [*found, all_figures(table), folders(table)]


def answer(table: Table, options: Options) -> Grid:
    """Does sharing help? A row for each setting."""
    gains = [group.gain for group in table.groups if group.gain is not None]
    levels = {gain.whole.confidence for gain in gains if gain.whole is not None}
    levels = levels or {options.confidence}
    alike = len(levels) == 1
    interval = f"{percent(levels.pop())} interval" if alike else "interval"
    gained = any(group.gain is not None for group in table.groups)
    header = ["setting", "runs"]
    header += ["Gain [%]", interval, "sharing"] if gained else []
    rows = []
    for group in table.groups:
        row = [group.words, str(len(group.runs))]
        if gained and group.gain is None:
            row += ["baseline" if group.baseline is group else "–", "–", "–"]
        elif group.gain is not None:
            gain = group.gain
            row += [signed(gain.total), ends(gain, not alike), gain.word]
        rows.append([*row, "–" if group.rank is None else f"{group.rank:.2f}"])
    pairs = [pair for group in table.groups for pair in compared(group, options.metric).items()]
    ranked = ", ".join(f"{task}/{metric}" for task, metric in dict.fromkeys(pairs))
    title = f"{table.name}: {sizes(table)}; ranked by {ranked} on {table.where}"
    if gained and options.metric == ALL:
        title += "; Gain of all metrics, task by task"
    best = {(row, 2) for row in best_that_helps(table)}
    return Grid(title, [*header, "mean rank"], rows, frozenset(best), BOLD)


def ends(gain: Gain, with_level: bool) -> str:
    """The ends of a verdict's interval; with its level, where that is not the header's."""
    if gain.whole is None:
        return "–"
    level = f" ({percent(gain.whole.confidence)})" if with_level else ""
    return f"{gain.whole.low:+.2f} to {gain.whole.high:+.2f}{level}"


def best_that_helps(table: Table) -> list[int]:
    """The settings of most Gain among those of which the verdict says that sharing helps."""
    helps = {
        n: g.gain.total
        for n, g in enumerate(table.groups)
        if g.gain is not None and g.gain.word == HELPS and g.gain.total is not None
    }
    return [n for n, total in helps.items() if total == max(helps.values())]


def sizes(table: Table) -> str:
    said = [f"{key} {n:,}" for key, n in table.data.items() if key.endswith(" examples")]
    return f"{', '.join(said).replace(' examples', '')} examples" if said else "sizes unknown"


def task_gains(table: Table, gaining: Sequence[Group]) -> Grid:
    """Each task's part of Gain."""
    gains = {g.words: g.gain.per_task for g in gaining if g.gain is not None}
    tasks = list(dict.fromkeys(task for own in gains.values() for task in own))
    rows = [[words, *(signed(own.get(task)) for task in tasks)] for words, own in gains.items()]
    title = f"{table.name}: gain of each task over its baseline, in percent"
    return turned(Grid(title, ["setting", *tasks], rows))


def all_figures(table: Table, turn: bool = True) -> Grid:
    """Every task's metrics: means over the seeds, and standard deviations; size and time.

    A row a setting, or where ``turn`` says so and there are more figures, a row a figure.

    Losses are in the CSV; here they stand for tasks without metrics.
    """
    columns = [
        (task, metric)
        for task, metric in table.columns
        if metric != "loss" or all(other != task or m == "loss" for other, m in table.columns)
    ]
    header = ["setting"]
    for task, metric in columns:
        ways = {g.higher_is_better(task, metric) for g in table.groups if task in g.figures}
        header.append(f"{task}/{metric}{ARROWS[ways.pop()] if len(ways) == 1 else ''}")
    header += ["parameters", "train [s]"]
    turn = turn and len(header) > len(table.groups)
    rows = []
    for group in table.groups:
        count = "–" if group.parameters is None else f"{group.parameters:,}"
        seconds = "–" if group.seconds is None else f"{group.seconds:.1f}"
        cells = [spread(group.figures.get(task, {}).get(m, {})) for task, m in columns]
        rows.append([group.words, *cells, count, seconds])
    meant = []
    for kind, values in beside_rows(table, columns):
        rows.append([(SHORT if turn else ROWS)[kind], *map(spread, values), "–", "–"])
        meant.append(f"{SHORT[kind]}: {ROWS[kind]}")
    several = any(len(group.runs) > 1 for group in table.groups)
    runs = "folds" if all(folds_of(group.runs[0]) for group in table.groups) else "seeds"
    what = f"mean ± standard deviation over {runs}" if several else f"one {runs[:-1]} each"
    title = f"{table.name}: figures on {table.where}, {what}"
    grid = Grid("; ".join([title, *(meant if turn else [])]), header, rows)
    return exchanged(grid) if turn else grid


def folders(table: Table) -> Grid:
    """Where the runs of each setting are."""
    rows = [[group.words, in_braces(group.runs)] for group in table.groups]
    return Grid(f"{table.name}: run folders", ["setting", "folders"], rows)


def in_braces(runs: Sequence[SavedRun]) -> str:
    """The folders of some runs as a shell takes them: ``runs/a_sweep/{0,1,2} runs/b``."""
    names: dict[Path, list[str]] = {}
    for run in runs:
        names.setdefault(run.folder.path.parent, []).append(run.folder.path.name)
    return " ".join(
        from_here(parent / own[0])
        if len(own) == 1
        else f"{from_here(parent)}/{{{','.join(map(quote, own))}}}"
        for parent, own in names.items()
    )


def turned(grid: Grid) -> Grid:
    """The table with rows and columns exchanged, where it has many more columns than rows."""
    return grid if len(grid.header) - 1 <= max(8, len(grid.rows)) else exchanged(grid)


def exchanged(grid: Grid) -> Grid:
    """The table with rows and columns exchanged."""
    lines = list(zip(*[grid.header, *grid.rows], strict=True))
    header = ["", *lines[0][1:]]
    return Grid(grid.title, header, [list(line) for line in lines[1:]])


def spread(values: dict[int, float]) -> str:
    """Mean and, of several values, standard deviation."""
    if not values:
        return "–"
    numbers = list(values.values())
    mean = statistics.mean(numbers)
    if len(numbers) == 1:
        return short(mean)
    sd = statistics.stdev(numbers)
    usual = abs(mean) >= 1e-3 and (sd == 0 or sd >= 5e-5)
    return f"{short(mean)} ± {sd:.4f}" if usual and sd < 1e4 else f"{short(mean)} ± {sd:.2g}"


def short(value: float) -> str:
    """Four decimals, but for the very small and the very large."""
    size = abs(value)
    return f"{value:.4f}" if size == 0 or 1e-3 <= size < 1e4 else f"{value:.3g}"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+z.2f}"
