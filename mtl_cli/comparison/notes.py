"""What a comparison answers in words, and what not: no baseline, too few seeds, unequal budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtl_cli import __version__
from mtl_cli.comparison.baseline import (
    BASELINE,
    HELD,
    candidates,
    held_equal,
    nearest_baseline,
    unequal,
)
from mtl_cli.comparison.compare import Comparison, gain_of
from mtl_cli.comparison.gain import ENOUGH
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import SavedRun, mapping, version_numbers
from mtl_cli.comparison.setting import identity, shown

BUDGET = ("trainer.max_epochs", "trainer.max_steps", "trainer.patience", "dataset.batch_size")
COMMANDS = 3  # that are spelled out
ANSWERS = 5
FEW = 5  # pairs of seeds, under which an interval is too narrow

# Gives the command line that trains a group's setting, or its single-task baseline, by some seeds.
Command = Callable[[Group, Sequence[int], bool], str]


def answers(comparison: Comparison) -> list[str]:
    """Whether sharing helps, for the settings of most Gain."""
    notes: list[str] = []
    percent = f"{100 * comparison.options.confidence:g} %"
    for table in comparison.tables:
        gained = [group for group in table.groups if group.gain and group.gain.total is not None]
        gained.sort(key=gain_of, reverse=True)
        for group in gained[:ANSWERS]:
            gain = group.gain
            assert gain is not None
            said = f"Gain {gain.total:+.2f} %, over {gain.pairs} seeds"
            if gain.low is not None:
                said += f", {percent} interval {gain.low:+.2f} to {gain.high:+.2f}"
            notes.append(f"{group.words} on {table.name}: {gain.in_words} ({said})")
        if len(gained) > ANSWERS:
            notes.append(f"{len(gained) - ANSWERS} more settings of less Gain stand in the table")
    return notes


def not_answered(comparison: Comparison, command: Command) -> list[str]:
    """What the comparison does not answer, and what would."""
    return [
        note
        for table in comparison.tables
        for note in (
            *missing_baselines(table, comparison.options.baseline, command),
            *too_few_seeds(table, command),
            *unequal_budgets(table),
        )
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
        for key in keys[:COMMANDS]
    ]
    more = [f"{len(keys) - COMMANDS} more"] if len(keys) > COMMANDS else []
    return ", ".join([*said, *more])


def seeds_to_have(groups: Sequence[Group]) -> list[int]:
    """The groups' seeds, and as many more as make enough."""
    seeds = dict.fromkeys(seed for group in groups for seed in group.seeds)
    for seed in range(len(seeds) + ENOUGH):
        if len(seeds) < ENOUGH:
            seeds[seed] = None
    return sorted(seeds)


def too_few_seeds(table: Table, command: Command) -> list[str]:
    """Names the settings with too few pairs of seeds, and those with barely enough."""
    notes = []
    few = [group for group in table.groups if group.gain and group.gain.pairs < ENOUGH]
    for group in few[:COMMANDS]:
        pairs = group.gain.pairs if group.gain else 0
        lines = []
        for side in (group, group.baseline):
            if side is not None and (new := missing_seeds(group, side)):
                lines.append(command(side, new, False))
        said = f"{group.words}: {pairs} {'pair' if pairs == 1 else 'pairs'} of seeds with its"
        notes.append("\n".join([f"{said} baseline, {ENOUGH} are needed. To have them:", *lines]))
    if len(few) > COMMANDS:
        notes.append(f"{len(few) - COMMANDS} more settings have too few pairs of seeds")
    narrow = {g.gain.pairs for g in table.groups if g.gain and ENOUGH <= g.gain.pairs < FEW}
    if narrow:
        pairs = min(narrow)
        notes.append(
            f"intervals over {pairs} seeds are a first sign only: so few make them too narrow"
        )
    return notes


def missing_seeds(group: Group, side: Group) -> list[int]:
    """The seeds that one side of a pair lacks."""
    both = set(group.seeds) | set(group.baseline.seeds if group.baseline else [])
    wanted = [*sorted(both), *(seed for seed in range(2 * ENOUGH) if seed not in both)]
    return [seed for seed in wanted[: max(ENOUGH, len(both))] if seed not in side.seeds]


def unequal_budgets(table: Table) -> list[str]:
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


def remarks(comparison: Comparison) -> list[str]:
    """What else there is to know of the runs that count."""
    notes = [*apart(comparison.tables), *comparison.remarks]
    for table in comparison.tables:
        bases = {id(g.baseline): g.baseline for g in table.groups if g.baseline is not None}
        if len(bases) > 1:
            said = "each setting is compared with the baseline above it"
            notes.append(f"{table.name}: {said}; report.csv names it")
        for run in table.repeated:
            notes.append(f"{run.folder.path}: repeated by a newer run of its seed, which counts")
        if (part := table.data.get("trainer.max_batches")) is not None:
            said = f"figures are of {part} batches of each split, to try things out"
            notes.append(f"{table.name}: {said} (trainer.max_batches={part})")
        devices = {str(run.summary.get("device")) for g in table.groups for run in g.runs}
        if len(devices) > 1:
            notes.append(f"times are of different devices: {', '.join(sorted(devices))}")
        for group in table.groups:
            if not group.figures:
                notes.append(f"{group.words}: no figures, for its data has neither test nor val")
    notes += [note for t in comparison.tables for g in t.groups for note in newer(g.runs)]
    return notes


def newer(runs: Sequence[SavedRun]) -> list[str]:
    """Names the runs that a newer version made."""
    notes = []
    for run in runs:
        made_by = str(mapping(run.summary.get("versions")).get("mtl-cli", "0"))
        if version_numbers(made_by) > version_numbers(__version__):
            said = f"made by mtl-cli {made_by}, newer than this {__version__}, which may misread it"
            notes.append(f"{run.folder.path}: {said}; update: pip install --upgrade mtl-cli")
    return notes


def apart(tables: Sequence[Table]) -> list[str]:
    """Why there is more than one table."""
    if len(tables) < 2:
        return []
    keys = dict.fromkeys(key for table in tables for key in table.data)
    differing = [key for key in keys if len({identity({key: t.data.get(key)}) for t in tables}) > 1]
    said = [
        f"{key} ({', '.join(dict.fromkeys(shown(t.data, key) or 'none' for t in tables))})"
        for key in differing[:COMMANDS]
    ]
    return [f"different data is never averaged or compared; it differs in {', '.join(said)}"]


def listed(words: Sequence[str]) -> str:
    """The first few of several settings."""
    more = [f"{len(words) - COMMANDS} more"] if len(words) > COMMANDS else []
    return ", ".join([*words[:COMMANDS], *more])
