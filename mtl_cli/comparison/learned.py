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
        found = beats_floor(table, group, task, name, confidence)
        if found:
            return True
        known = found if known is None else known
    return known


def learned_by(
    table: Table, group: Group, task: str, metric: str, confidence: float
) -> dict[str, int]:
    """The other metrics in which a setting beats the floor, beyond its interval and on each seed.

    Returns:
        ``{metric: how many seeds}``.
    """
    found = {}
    for name in group.figures.get(task, {}):
        if name in (metric, "loss") or not beats_floor(table, group, task, name, confidence):
            continue
        over = over_floor(table, group, task, name)
        if min(over.values()) > 0:
            found[name] = len(over)
    return found


def beats_floor(table: Table, group: Group, task: str, name: str, confidence: float) -> bool | None:
    """Whether a setting beats the floor in one metric, beyond its interval; None: nobody knows."""
    over = over_floor(table, group, task, name)
    gained = differences(table, group, [*over], [*over.values()])
    return None if gained is None else gained.interval(1 - confidence)[0] > 0


def over_floor(table: Table, group: Group, task: str, name: str) -> dict[int, float]:
    """By how much each seed is better than its floor; empty where nobody knows which way is."""
    higher = group.higher_is_better(task, name)
    values = group.figures.get(task, {}).get(name, {})
    if higher is None:
        return {}
    return {
        run.seed: (values[run.seed] - floor) * (1 if higher else -1)
        for run in group.runs
        if (floor := floor_of(run.summary, task, name, table.split)) is not None
        and run.seed in values
    }


def floor_of(summary: dict[str, object], task: str, metric: str, split: str) -> float | None:
    """What the floor reaches in a run's split; None where its summary does not say."""
    if summary.get("floor_split") != split:
        return None
    value: Any = mapping(mapping(summary.get("floor")).get(task)).get(metric)
    return float(value) if is_number(value) else None
