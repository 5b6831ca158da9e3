"""Whose baseline is whose: for each setting, the runs that differ from it in sharing alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.setting import shown
from mtl_cli.comparison.tuned import is_below, tuned_alike

BASELINE = "single_task"
FREE = re.compile(r"(arch|weighting)(\.|$)|tasks\..+\.weight(_decay)?$")  # what sharing may change
HELD = "data, encoder, heads, losses, optimizer, schedule, epochs and batch size"  # in words


def set_baselines(table: Table, wished: str | None) -> None:
    """Gives each group its baseline: a single-task one, or the setting that the user wished.

    Of several, one with fixed weights goes first, then one of the same weighting, then of most
    seeds. Without a wish there is none where anything but sharing differs.
    """
    pool = candidates(table, wished)
    for group in table.groups:
        best = nearest_baseline(group, pool)
        if best is not None and (wished is not None or not unequal(group, best)):
            group.baseline = best


def candidates(table: Table, wished: str | None) -> list[Group]:
    """The groups that may be baselines.

    A wish is a folder with their runs, or words of their setting.
    """
    if wished is None:
        return [group for group in table.groups if group.choices.get("arch") == BASELINE]
    folder = Path(wished).expanduser()
    if folder.is_dir():
        place = folder.resolve()
        return [
            group
            for group in table.groups
            if any(run.folder.path.resolve().is_relative_to(place) for run in group.runs)
        ]
    return [group for group in table.groups if all(has_word(group, w) for w in wished.split())]


def has_word(group: Group, word: str) -> bool:
    key, _, value = word.partition("=")
    return value in (group.choices.get(key), shown(group.setting, key))


def check_wish(tables: Sequence[Table], wished: str | None) -> None:
    """Refuses a baseline that no setting is."""
    if wished is not None and not any(candidates(table, wished) for table in tables):
        known = [group.words for table in tables for group in table.groups]
        rule = "must be a folder of runs, or words of a setting that was run"
        fix = " or ".join(f"'baseline={words}'" for words in known[:3]) or "no baseline"
        raise problem("baseline", rule, wished, fix)


def nearest_baseline(group: Group, pool: Sequence[Group]) -> Group | None:
    """Of several baselines the one that differs least in what should be equal."""

    def apart(other: Group) -> tuple[Any, ...]:
        weighting = other.choices.get("weighting")
        other_weighting = weighting != group.choices.get("weighting")
        return len(unequal(group, other)), weighting != "fixed", other_weighting, -len(other.runs)

    return min(pool, key=apart, default=None)


def unequal(group: Group, baseline: Group) -> list[str]:
    """The keys in which a baseline differs that should be equal; what one search chose for both,
    by as many trials, may differ."""
    own, other = (held_equal(g, list(group.figures)) for g in (group, baseline))
    keys = [key for key in own | other if shown(own, key) != shown(other, key)]
    chosen = tuned_alike(group, baseline)
    return [key for key in keys if not is_below(key, chosen)]


def held_equal(group: Group, tasks: Sequence[str]) -> dict[str, Any]:
    """What a baseline must have in common: all but sharing, weighting and the tasks' weights.

    A baseline may have more than these tasks.
    """
    more = tuple(f"tasks.{task}." for task in group.figures if task not in tasks)
    return {
        key: value
        for key, value in group.setting.items()
        if not FREE.match(key) and not key.startswith(more)
    }
