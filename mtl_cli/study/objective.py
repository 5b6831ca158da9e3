"""What a search is for: figures of val as numbers of which less is better."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.comparison.gain import improvements
from mtl_cli.comparison.saved_run import mapping

GAIN, TASKS = "gain", "tasks"
KINDS = [GAIN, TASKS]

Figures = Mapping[str, Mapping[str, Any]]  # {task: {figure: value}}
Known = Mapping[str, Mapping[str, Any]]  # {task: {metric: {"higher_is_better": ...}}}


@dataclass(frozen=True)
class Objective:
    """What trials are to be best in.

    Args:
        kind: ``gain`` over a reference; ``tasks``: the first metric of each, or its loss where it
            has none; ``losses``: of each; None: what the run's own ``objective`` says.
        wish: that; a list of several.
        reference: whose figures a gain is over.
    """

    kind: str | None
    wish: Any = "loss"
    reference: Figures | None = None

    def names(self, tasks: list[str]) -> list[str]:
        """What is minimised, or of metrics maximised, in words."""
        if self.kind is None:
            wishes = self.wish if isinstance(self.wish, list) else [self.wish]
            return [in_words(one) for one in wishes]
        return ["gain"] if self.kind == GAIN else tasks

    def values(self, figures: Figures, known: Known) -> list[float]:
        """The figures, turned so that less is better; infinite where one has no value."""
        if self.kind is None:
            wishes = self.wish if isinstance(self.wish, list) else [self.wish]
            found = [of_wish(one, figures, known) for one in wishes]
        elif self.kind == GAIN:
            found = [-gain(figures, self.reference or {}, known)]
        else:
            first = {task: first_metric(own) for task, own in known.items() if task in figures}
            if self.kind != TASKS:
                first = {task: "loss" for task in first if "loss" in figures[task]}
            found = [turned(task, own, figures, known) for task, own in first.items()]
        return [value if math.isfinite(value) else math.inf for value in found]


def of_wish(wish: Any, figures: Figures, known: Known) -> float:
    """``loss``, ``task/figure``, or a weighted sum of such figures."""
    if isinstance(wish, Mapping):
        return math.fsum(w * of_wish(one, figures, known) for one, w in wish.items())
    if wish == "loss":
        return math.fsum(number(own.get("loss", 0.0)) for own in figures.values())
    task, _, metric = str(wish).partition("/")
    return turned(task, metric, figures, known)


def turned(task: str, metric: str, figures: Figures, known: Known) -> float:
    value = number(figures.get(task, {}).get(metric))
    return -value if is_higher(task, metric, known) else value


def gain(figures: Figures, reference: Figures, known: Known) -> float:
    """The mean over the tasks of how much better their first metrics are, in percent."""
    parts = []
    for task in reference:
        metric = first_metric(known.get(task, {}))
        own, other = (number(one.get(task, {}).get(metric)) for one in (figures, reference))
        parts += improvements([own], [other], is_higher(task, metric, known)) or [math.nan]
    return statistics.mean(parts) if parts else math.nan


def first_metric(metrics: Mapping[str, Any]) -> str:
    """A task's first metric of which more, or less, is better; its loss where it has none."""
    directed = (
        name for name, own in metrics.items() if mapping(own).get("higher_is_better") is not None
    )
    return next(directed, "loss")


def is_higher(task: str, metric: str, known: Known) -> bool:
    return mapping(known.get(task, {}).get(metric)).get("higher_is_better") is True


def number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def in_words(wish: Any) -> str:
    if not isinstance(wish, Mapping):
        return str(wish)
    return f"{{{', '.join(f'{figure}: {weight:g}' for figure, weight in wish.items())}}}"


def check_val(figures: Figures) -> None:
    """Refuses a search without figures on val, by which it would choose."""
    if not figures:
        rule, fix = "needs a val split, by which it chooses", "dataset.split.val=0.1"
        raise problem("study=tune", rule, "a dataset without one", fix)
