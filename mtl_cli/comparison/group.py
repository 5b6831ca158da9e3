"""Runs of one setting, seeds together; settings on one data set, side by side."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.published import practice
from mtl_cli.comparison.saved_run import SavedRun, is_number, mapping
from mtl_cli.comparison.setting import data_of, identity, setting_of, tell_apart

Seeds = dict[int, float]  # {seed: value}


@dataclass(eq=False)
class Group:
    """The runs of one setting, one a seed.

    Args:
        runs: by their seeds.
        words: the command line's words in which the setting differs from the others.
        figures: ``{task: {metric: {seed: value}}}``.
        baseline: the setting that Gain compares with; None where there is none.
        gain: what sharing gains over the baseline.
        rank: mean rank over the tasks among the settings of the table, 1 is the best.
    """

    runs: list[SavedRun]
    words: str = ""
    figures: dict[str, dict[str, Seeds]] = field(default_factory=dict)
    baseline: Group | None = None
    gain: Gain | None = None
    rank: float | None = None

    @cached_property
    def setting(self) -> dict[str, Any]:
        return setting_of(self.runs[0])

    @property
    def choices(self) -> dict[str, str | None]:
        return self.runs[0].choices

    @property
    def seeds(self) -> list[int]:
        return [run.seed for run in self.runs]

    @property
    def parameters(self) -> int | None:
        return mapping(self.runs[0].summary.get("parameters")).get("total")

    @property
    def seconds(self) -> float | None:
        """What a run took to train, without evaluation."""
        times: list[Any] = [
            mapping(run.summary.get("timing")).get("train_seconds") for run in self.runs
        ]
        known = [float(time) for time in times if is_number(time)]
        return statistics.mean(known) if known else None

    def first_metric(self, task: str) -> str:
        """What Gain compares: the task's first metric, or its loss where it has none."""
        known = mapping(mapping(self.runs[0].summary.get("metrics")).get(task))
        return next(iter(known), "loss")

    def higher_is_better(self, task: str, metric: str) -> bool | None:
        return self.runs[0].higher_is_better(task, metric)

    def mean(self, task: str, metric: str) -> float | None:
        """The mean over the seeds that have the figure."""
        values = self.figures.get(task, {}).get(metric)
        return statistics.mean(values.values()) if values else None


@dataclass(eq=False)
class Table:
    """All settings that were run on the same data.

    Args:
        data: what tells the data from others.
        groups: the settings.
        split: where the figures are of, ``test`` or ``val``.
        last_epochs: over how many of them figures on test are means; None: they are of the best
            weights.
        repeated: runs that say again what a newer run of their setting and seed says.
    """

    data: dict[str, Any]
    groups: list[Group]
    split: str
    repeated: list[SavedRun]
    last_epochs: int | None = None

    @property
    def name(self) -> str:
        source = self.data["source"]
        return f"{self.data['name']} ({source})" if source else str(self.data["name"])

    @property
    def where(self) -> str:
        """What figures are of, in words."""
        return self.split if self.last_epochs is None else practice(self.last_epochs)

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Every task and metric that a setting has a figure of."""
        return list(
            dict.fromkeys(
                (task, metric)
                for group in self.groups
                for task, metrics in group.figures.items()
                for metric in metrics
            )
        )


def make_tables(runs: Sequence[SavedRun], split: str) -> list[Table]:
    """Puts runs together: a table for each data set, in it a group for each setting."""
    by_data: dict[str, list[SavedRun]] = {}
    for run in runs:
        by_data.setdefault(identity(data_of(run)), []).append(run)
    return [make_table(members, split) for members in by_data.values()]


def make_table(runs: Sequence[SavedRun], split: str) -> Table:
    by_setting: dict[str, list[SavedRun]] = {}
    for run in runs:
        by_setting.setdefault(identity(setting_of(run)), []).append(run)
    groups, repeated = [], []
    for members in by_setting.values():
        newest = {run.seed: run for run in sorted(members, key=written)}
        repeated += [run for run in members if newest[run.seed] is not run]
        groups.append(Group([newest[seed] for seed in sorted(newest)]))
    words = tell_apart([group.setting for group in groups], [group.choices for group in groups])
    has_test = any(run.figures("test") for run in runs)
    split = "test" if split == "test" and has_test else "val"
    for group, own in zip(groups, words, strict=True):
        group.words = " ".join(own) or "all"
        group.figures = collect(group.runs, split)
    return Table(data_of(runs[0]), groups, split, repeated)


def written(run: SavedRun) -> float:
    """When a run's summary was written last."""
    return run.folder.summary.stat().st_mtime


def collect(runs: Sequence[SavedRun], split: str) -> dict[str, dict[str, Seeds]]:
    """The figures of several runs, the metrics in the tasks' own order and the loss last."""
    figures: dict[str, dict[str, Seeds]] = {}
    for run in runs:
        for task, values in run.figures(split).items():
            known = mapping(mapping(run.summary.get("metrics")).get(task))
            for metric in sorted(values, key=lambda m: (m == "loss", m not in known)):
                figures.setdefault(task, {}).setdefault(metric, {})[run.seed] = values[metric]
    return figures
