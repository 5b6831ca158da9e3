"""Selection: which epoch was the best, by the validation figures of some tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Task
from mtl_cli.training.evaluation import Figures


class Selection:
    """The best epoch so far, and its figures.

    Args:
        tasks: whose figures count.
        select: ``loss``, the sum of their losses, or ``<task>/<metric>`` where that is one of them.

    Attributes:
        epoch: the best one, 0 before there is one.
        value: what selected it, turned so that lower is better.
        figures: its figures of ``tasks``.
    """

    def __init__(self, tasks: Mapping[str, Task], select: str) -> None:
        self.tasks = tasks
        self.select = select
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
        """The figure that selects, turned so that lower is better."""
        name, _, metric = self.select.partition("/")
        if metric and name in self.tasks:
            if name not in figures:
                rule = "needs a label of that task in val"
                select = f"trainer.select={name}/{metric}"
                raise problem(select, rule, "none", "trainer.select=loss")
            if math.isnan(figures[name][metric]) and not self.epoch:
                rule, found = "needs a metric with a value on val", "none; are all labels alike?"
                raise problem(f"trainer.select={self.select}", rule, found, "trainer.select=loss")
            higher = metric != "loss" and self.tasks[name].metrics[metric].higher_is_better
            return figures[name][metric] * (-1 if higher else 1)
        own = [figures[task] for task in self.tasks if task in figures]
        return math.fsum(values["loss"] for values in own if "loss" in values)

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint of the best weights keeps."""
        return {"epoch": self.epoch, "value": self.value, "figures": self.figures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.epoch, self.value, self.figures = state["epoch"], state["value"], state["figures"]
