"""Whether a setting learned a task: whether it beats what needs no model.

That is the *floor*: always the mean of a number, or the shares of the classes, as in train.
"""

from __future__ import annotations

from typing import Any

from mtl_cli.comparison.dealt import differences
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import is_number, mapping


def learned(table: Table, group: Group, task: str, metric: str, confidence: float) -> bool | None:
    """Whether a setting beats the floor in a metric, or in the loss, beyond its interval.

    Returns:
        None where too few seeds know a floor.
    """
    known = None
    for name in dict.fromkeys([metric, "loss"]):
        higher = group.higher_is_better(task, name)
        values = group.figures.get(task, {}).get(name, {})
        above = {
            run.seed: (values[run.seed] - floor) * (1 if higher else -1)
            for run in group.runs
            if (floor := floor_of(run.summary, task, name, table.split)) is not None
            and run.seed in values
        }
        gained = differences(table, group, [*above], [*above.values()])
        if higher is None or gained is None:
            continue
        low, _ = gained.interval(1 - confidence)
        if low > 0:
            return True
        known = False
    return known


def floor_of(summary: dict[str, object], task: str, metric: str, split: str) -> float | None:
    """What the floor reaches in a run's split; None where its summary does not say."""
    if summary.get("floor_split") != split:
        return None
    value: Any = mapping(mapping(summary.get("floor")).get(task)).get(metric)
    return float(value) if is_number(value) else None
