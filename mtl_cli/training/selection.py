"""Selection: which epoch was the best, by the validation figures of some tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Task
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.wish import Wish, as_word, weights_of


class Selection:
    """The best epoch so far, and its figures.

    Args:
        tasks: whose figures count.
        select: ``loss``, the sum of their losses; ``<task>/<metric>``; or ``{<task>/<metric>:
            weight}``, the weighted sum of those that are theirs, each turned the way that is
            better. Where none is theirs, the sum of their losses.

    Attributes:
        epoch: the best one, 0 before there is one.
        value: what selected it, turned so that lower is better.
        figures: its figures of ``tasks``.
    """

    def __init__(self, tasks: Mapping[str, Task], select: Wish) -> None:
        self.tasks = tasks
        self.select = select
        wished = weights_of(select).items()
        self.weights = {name: w for name, w in wished if name.partition("/")[0] in tasks}
        self.epoch = 0
        self.value = math.inf
        self.figures: Figures = {}

    def note(self, epoch: int, figures: Figures) -> bool:
        """Whether this epoch's validation figures are the best so far, and notes them if so.

        Raises:
            ValueError: where what selects has no value from the first epoch on.
        """
        value = self.value_of(figures)
        if not value < self.value:
            return False
        self.value, self.epoch = value, epoch
        self.figures = {task: figures[task] for task in self.tasks if task in figures}
        return True

    def value_of(self, figures: Figures) -> float:
        """What selects, turned so that lower is better."""
        if self.weights:
            return math.fsum(w * self.turned(name, figures) for name, w in self.weights.items())
        own = [figures[task] for task in self.tasks if task in figures]
        return math.fsum(values["loss"] for values in own if "loss" in values)

    def turned(self, figure: str, figures: Figures) -> float:
        """A figure ``<task>/<metric>``, likewise."""
        name, _, metric = figure.partition("/")
        wish = as_word("trainer.select", self.select)
        if name not in figures:
            raise problem(wish, f"needs a label of {name} in val", "none", "trainer.select=loss")
        if math.isnan(figures[name][metric]) and not self.epoch:
            rule, found = "needs metrics with a value on val", f"none of {figure}"
            raise problem(wish, rule, f"{found}; are all labels alike?", "trainer.select=loss")
        higher = metric != "loss" and self.tasks[name].metrics[metric].higher_is_better
        return figures[name][metric] * (-1 if higher else 1)

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint of the best weights keeps."""
        return {"epoch": self.epoch, "value": self.value, "figures": self.figures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.epoch, self.value, self.figures = state["epoch"], state["value"], state["figures"]
