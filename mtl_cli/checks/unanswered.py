"""What a comparison does not answer: no baseline, too few seeds, unequal budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtl_cli.comparison.baseline import (
    BASELINE,
    HELD,
    candidates,
    held_equal,
    nearest_baseline,
    unequal,
)
from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.remarks import NAMED, listed
from mtl_cli.comparison.setting import identity, shown
from mtl_cli.comparison.verdict import ENOUGH

LENGTH = ("max_epochs", "max_steps", "max_examples", "time_limit", "patience", "stop")
BUDGET = (*(f"trainer.{name}" for name in LENGTH), "dataset.batch_size")
COMMANDS = 3  # that are spelled out

# Gives the command line that trains a group's setting, or its single-task baseline, by some seeds.
Command = Callable[[Group, Sequence[int], bool], str]


def not_answered(comparison: Comparison, command: Command, silenced: Sequence[str]) -> list[str]:
    """What the comparison does not answer, and what would, each under the code of its check."""
    wished = comparison.options.baseline
    return [
        f"{code}: {note}"
        for table in comparison.tables
        for code, check in CHECKS.items()
        if code not in silenced
        for note in check(table, wished, command)
    ]


def missing_baselines(table: Table, wished: str | None, command: Command) -> list[str]:
    """Names the settings without a baseline, and the commands that would train it."""
    asked: dict[str, list[Group]] = {}
    pool = candidates(table, wished)
    for group in table.groups:
        if group.baseline is None and group.figures:
            asked.setdefault(identity(held_equal(group, [*group.figures])), []).append(group)
    notes: list[str] = []
    for groups in list(asked.values())[:COMMANDS]:
        line = command(groups[0], seeds_to_have(groups), True)
        near = nearest_baseline(groups[0], pool)
        why = f"no run of arch={BASELINE}"
        if near is not None:
            why = f"{near.words} differs in {differences(groups[0], near)}"
        names = listed([group.words for group in groups])
        equal = "" if notes else f" (held equal: {HELD})"
        notes.append(f"no single-task baseline for {names}: {why}{equal}. To train it:\n{line}")
    if len(asked) > COMMANDS:
        more = len(asked) - COMMANDS
        notes.append(f"{more} more baselines are missing; report on fewer settings to see how")
    return notes


def differences(group: Group, other: Group) -> str:
    keys = unequal(group, other)
    said = [
        f"{key} ({shown(other.setting, key) or 'none'}, not {shown(group.setting, key) or 'none'})"
        for key in keys[:NAMED]
    ]
    more = [f"{len(keys) - NAMED} more"] if len(keys) > NAMED else []
    return ", ".join([*said, *more])


def seeds_to_have(groups: Sequence[Group]) -> list[int]:
    """The groups' seeds, and as many more as make enough."""
    seeds = dict.fromkeys(seed for group in groups for seed in group.seeds)
    for seed in range(len(seeds) + ENOUGH):
        if len(seeds) < ENOUGH:
            seeds[seed] = None
    return sorted(seeds)


def too_few_seeds(table: Table, wished: str | None, command: Command) -> list[str]:
    """Names the settings with too few pairs of seeds."""
    notes = []
    few = [group for group in table.groups if group.gain and group.gain.pairs < ENOUGH]
    for group in few[:COMMANDS]:
        pairs = group.gain.pairs if group.gain else 0
        lines = []
        for side in (group, group.baseline):
            if side is not None and (new := missing_seeds(group, side)):
                lines.append(command(side, new, False))
        said = f"{group.words}: {pairs} {'pair' if pairs == 1 else 'pairs'} of seeds with its"
        notes.append(
            "\n".join(
                [f"{said} baseline, {ENOUGH} are needed. To have them:", *filter(None, lines)]
            )
        )
    if len(few) > COMMANDS:
        notes.append(f"{len(few) - COMMANDS} more settings have too few pairs of seeds")
    return notes


def missing_seeds(group: Group, side: Group) -> list[int]:
    """The seeds that one side of a pair lacks."""
    both = set(group.seeds) | set(group.baseline.seeds if group.baseline else [])
    wanted = [*sorted(both), *(seed for seed in range(2 * ENOUGH) if seed not in both)]
    return [seed for seed in wanted[: max(ENOUGH, len(both))] if seed not in side.seeds]


def unequal_budgets(table: Table, wished: str | None, command: Command) -> list[str]:
    """Says where settings were trained for longer, or by other batches, than others."""
    notes = []
    for key in BUDGET:
        values: dict[str, list[str]] = {}
        for group in table.groups:
            values.setdefault(shown(group.setting, key) or "none", []).append(group.words)
        if len(values) > 1:
            said = "; ".join(f"{value} for {listed(words)}" for value, words in values.items())
            notes.append(f"budgets are unequal: {key} is {said}")
    for group in table.groups:
        if group.baseline is not None and group.baseline is not group:
            keys = unequal(group, group.baseline)
            if keys:
                said = differences(group, group.baseline)
                notes.append(
                    f"{group.words}: its baseline {group.baseline.words} differs in {said}"
                )
    return notes


CHECKS: dict[str, Callable[[Table, str | None, Command], list[str]]] = {
    "no-baseline": missing_baselines,
    "few-seeds": too_few_seeds,
    "unequal-budgets": unequal_budgets,
}
