"""The best of a sweep: chosen on val, so that test stays unseen by the choice."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.comparison.grids import all_figures, in_braces, spread
from mtl_cli.comparison.group import Group, make_table, make_tables
from mtl_cli.comparison.saved_run import TRIALS, SavedRun, find_runs, is_number, read_run
from mtl_cli.comparison.setting import identity
from mtl_cli.comparison.table import Grid
from mtl_cli.disk.run_folder import from_here

LOSSES = re.compile(r"tasks\.[^.]+\.loss(\.|$)|arch\.loss(\.|$)")
FIX = "a run folder: tables list them"


@dataclass(frozen=True, eq=False)
class Ranking:
    """The settings of a sweep by their objective on val, the best one first.

    Args:
        objective: which figure it is, ``loss`` or ``task/metric``.
        groups: the settings.
        values: the objective of each run, by the setting's place and the seed; lower is better.
    """

    objective: str
    groups: list[Group]
    values: list[dict[int, float]]

    @property
    def run(self) -> SavedRun:
        """The best run of the best setting."""
        own = self.values[0]
        return min((r for r in self.groups[0].runs if r.seed in own), key=lambda r: own[r.seed])

    @property
    def in_words(self) -> str:
        count, words = len(self.values[0]), self.groups[0].words
        seeds = f" (mean of {count} seeds)" if count > 1 else ""
        figure = f"{self.objective} {spread(self.values[0])}{seeds}"
        return f"{words}, {figure}; run {from_here(self.run.folder.path)}"

    def grid(self) -> Grid:
        """All settings on val, with their best run's folder."""
        table = make_table([run for group in self.groups for run in group.runs], "val")
        figures = {row[0]: row[1:-2] for row in all_figures(table, turn=False).rows}
        header = all_figures(table, turn=False).header[1:-2]
        rows = [
            [group.words, spread(values), *figures[group.words], in_braces(group.runs)]
            for group, values in zip(self.groups, self.values, strict=True)
        ]
        title = f"{table.name}: on val, the best first (what it minimises: {self.objective})"
        return Grid(title, ["setting", "objective ↓", *header, "folders"], rows)

    def test(self) -> Grid:
        """What the best setting reaches on test."""
        group = self.groups[0]
        table = make_table(group.runs, "test")
        table.groups[0].words = group.words
        return all_figures(table)


def no_best(folder: Path, error: Problem) -> str:
    """Why a sweep has no best setting: that of several figures has a front in its place."""
    runs = [run for run in map(read_run, find_runs(folder)) if run.trouble is None]
    front = front_in_words(folder, runs)
    return f"no best setting: {error}" if front is None else f"no single best run: {front}"


def front_in_words(folder: Path, runs: Sequence[SavedRun]) -> str | None:
    """Where the front of several figures is that all of some runs are to be best in.

    Returns:
        None where a run is to be best in one.
    """
    kinds = {identity({"objective": run.config.get("objective")}) for run in runs}
    wish = runs[0].config.get("objective") if len(kinds) == 1 else None
    if not isinstance(wish, list):
        return None
    names = ", ".join(one if isinstance(one, str) else weighted(one) for one in wish)
    said = f"what is best in several figures ({names}) is a front"
    tried = folder / TRIALS / "trials.md"
    if not tried.is_file():
        return said
    return f"{said}, in {from_here(tried)}; the runs here are of its knee, for each setting"


def rank_on_val(folder: Path) -> Ranking:
    """Ranks the settings of the finished runs in a folder, by their mean over the seeds.

    Raises:
        ValueError: where no run has finished, or they have no figure in common to go by.
    """
    runs = [run for run in map(read_run, find_runs(folder)) if run.trouble is None]
    runs = [run for run in runs if run.figures("val")]
    rule = "must have a best run on val"
    if not runs:
        raise problem(str(folder), rule, "no finished run with figures on val", FIX)
    tables = make_tables(runs, "val")
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise problem(str(folder), rule, f"runs on different data: {names}", FIX)
    if front := front_in_words(folder, runs):
        raise problem(str(folder), rule, front, FIX)
    kinds = {wished(run.config) for run in runs}
    values = [objectives(group) for group in tables[0].groups]
    if len(kinds) > 1 or not any(values):
        raise problem(str(folder), rule, f"objectives {', '.join(sorted(kinds))}", FIX)
    if "loss" in kinds and len({identity(losses(run.config)) for run in runs}) > 1:
        fix = f"objective=<task>/<metric> when training; now {FIX}"
        raise problem(str(folder), rule, "different losses, whose values do not compare", fix)
    pairs = [pair for pair in zip(tables[0].groups, values, strict=True) if pair[1]]
    pairs.sort(key=lambda pair: statistics.mean(pair[1].values()))
    return Ranking(kinds.pop(), [group for group, _ in pairs], [own for _, own in pairs])


def wished(config: Mapping[str, Any]) -> str:
    """What a run minimises, as it is typed: ``loss``, ``task/metric`` or ``{task/metric: 1}``."""
    several = {
        key.partition(".")[2]: value
        for key, value in config.items()
        if key.startswith("objective.")
    }
    return weighted(several) if several else str(config.get("objective"))


def weighted(figures: Mapping[str, float]) -> str:
    """A weighted sum of figures as it is typed."""
    return f"{{{', '.join(f'{figure}: {weight:g}' for figure, weight in figures.items())}}}"


def objectives(group: Group) -> dict[int, float]:
    """What each run minimised, by its seed."""
    found: dict[int, Any] = {run.seed: run.summary.get("objective") for run in group.runs}
    return {seed: float(value) for seed, value in found.items() if is_number(value)}


def losses(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration says of its losses."""
    return {key: value for key, value in config.items() if LOSSES.match(key)}
