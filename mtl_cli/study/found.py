"""What a search has found of each setting: its trials, the best of them, and what that weakens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mtl_cli.study.front import knee, pareto_front
from mtl_cli.study.objective import GAIN, TASKS, Objective, first_metric, is_higher
from mtl_cli.study.settings import Setting


@dataclass(frozen=True)
class Trial:
    """What came of one trial.

    Args:
        number: of it.
        status: of its run.
        words: that it drew.
        values: of the objectives, less is better; None where it did not come to its end.
        folder: of its run.
        said: its summary.
        why: it failed.
    """

    number: int
    status: str
    words: list[str]
    values: list[float] | None
    folder: Path
    said: dict[str, Any]
    why: str | None

    @property
    def counts(self) -> bool:
        return self.values is not None and all(map(math.isfinite, self.values))


@dataclass(frozen=True)
class Found:
    """The search of one setting.

    Args:
        setting: that was tuned.
        trials: all.
        objective: of the search.
    """

    setting: Setting
    trials: list[Trial]
    objective: Objective

    @cached_property
    def finished(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.counts]

    @property
    def front(self) -> list[Trial]:
        """Those that no other beats, the best of the first objective first."""
        best = pareto_front([trial.values or [] for trial in self.finished])
        return sorted((self.finished[i] for i in best), key=lambda trial: trial.values or [])

    @property
    def best(self) -> Trial | None:
        """The best trial; of several objectives the knee of the front."""
        points = [trial.values or [] for trial in self.finished]
        return self.finished[knee(points)] if points else None

    @property
    def winner(self) -> Trial:
        assert self.best is not None
        return self.best

    @property
    def untuned(self) -> Trial | None:
        first = self.trials[0]
        return first if first.counts else None

    @property
    def names(self) -> list[str]:
        """Of the objectives."""
        known = self.winner.said.get("metrics", {})
        names = self.objective.names([*known])
        if self.objective.kind != TASKS:
            return names
        return [f"{task}/{first_metric(known.get(task, {}))}" for task in names]

    @property
    def ways(self) -> list[bool]:
        """Whether more is better, of each."""
        known = self.winner.said.get("metrics", {})
        pairs = [(name, *name.partition("/")[::2]) for name in self.names]
        return [name == GAIN or is_higher(task, metric, known) for name, task, metric in pairs]

    def shown(self, trial: Trial) -> list[float]:
        """A trial's objectives as people read them."""
        pairs = zip(self.ways, trial.values or [], strict=True)
        return [-value if up else value for up, value in pairs]

    def said(self, search: str) -> dict[str, Any]:
        """What the runs of the winner say of themselves."""
        return {
            "search": search,
            "setting": self.setting.name,
            "trials": len(self.trials),
            "tuned": [own.key for own in self.setting.space],
            "winner": self.winner.number,
        }

    def at_ends(self) -> list[str]:
        """Options whose best value lies at an end of its range."""
        values = {word.partition("=")[0]: word.partition("=")[2] for word in self.winner.words}
        notes = []
        for own in self.setting.space:
            which = None if own.choices is not None else own.end(float(values[own.key]))
            if which is not None:
                said = f"{own.key}={values[own.key]} is near the {which} value of its range"
                ends = f"{own.said['low']:g} to {own.said['high']:g}"
                notes.append(f"{self.setting.name}: {said} ({ends}); a better one may lie beyond")
        return notes
