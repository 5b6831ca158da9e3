"""What else there is to know of a comparison: other devices, other ways to deal, newer versions."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from mtl_cli import __version__
from mtl_cli.comparison.compare import Comparison, compared
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import SavedRun, mapping, version_numbers
from mtl_cli.comparison.setting import identity, shown
from mtl_cli.comparison.tuned import tuned_in_words
from mtl_cli.comparison.verdict import percent

NAMED = 3  # of many settings or keys


def remarks(comparison: Comparison) -> list[str]:
    """What else there is to know of the runs that count."""
    notes = [*comparison.remarks, *levels(comparison)]
    for table in comparison.tables:
        bases = {id(g.baseline): g.baseline for g in table.groups if g.baseline is not None}
        if len(bases) > 1:
            said = "each setting is compared with the baseline above it"
            notes.append(f"{table.name}: {said}; report.csv names it")
        notes += [f"{table.name}: {said}" for said in dict.fromkeys(on_splits(table))]
        for run in table.repeated:
            notes.append(f"{run.folder.path}: repeated by a newer run of its seed, which counts")
        if (part := table.data.get("trainer.max_batches")) is not None:
            said = f"figures are of {part} batches of each split, to try things out"
            notes.append(f"{table.name}: {said} (trainer.max_batches={part})")
        notes += [f"{group.words}: {said}" for group in table.groups for said in towers(group.runs)]
        notes += [f"{table.name}: {said}" for said in tuned_in_words(table)]
        notes += where(table)
        notes += [said for group in table.groups for said in only_by(group, comparison)]
        for group in table.groups:
            if not group.figures:
                notes.append(f"{group.words}: no figures, for its data has neither test nor val")
    notes += [note for t in comparison.tables for g in t.groups for note in newer(g.runs)]
    return notes


def where(table: Table) -> list[str]:
    """On which devices and in how many processes its runs were trained, where that says more than
    that all were trained in one process of one device.
    """
    runs = [run.summary for group in table.groups for run in group.runs]
    devices = sorted({str(own.get("device")) for own in runs})
    numbers = sorted({str(own.get("processes", 1)) for own in runs})
    notes = []
    if len(devices) > 1:
        notes.append(f"times are of different devices: {', '.join(devices)}")
    if len(numbers) > 1:
        notes.append(f"times are of different numbers of processes: {', '.join(numbers)}")
    elif numbers not in ([], ["1"]):
        notes.append(f"{table.name}: each run was trained in {numbers[0]} processes")
    return notes


def levels(comparison: Comparison) -> list[str]:
    """Why intervals are wider than the report's confidence alone would have them."""
    gains = [g.gain for table in comparison.tables for g in table.groups if g.gain is not None]
    found = [v for gain in gains for v in (gain.whole, *gain.by_task.values()) if v is not None]
    whole = comparison.options.confidence
    widest = max((verdict.confidence for verdict in found), default=whole)
    if math.isclose(widest, whole):
        return []
    most = f"intervals are of up to {percent(widest)}, by Holm's procedure"
    return [f"{most}, so that with {percent(whole)} none of the {len(found)} verdicts is wrong"]


def on_splits(table: Table) -> list[str]:
    """What the runs say of how their rows were dealt."""
    runs = [run for group in table.groups for run in group.runs]
    splits = [mapping(mapping(run.summary.get("dataset")).get("split")) for run in runs]
    return [str(own["remark"]) for own in splits if "remark" in own]


def towers(runs: Sequence[SavedRun]) -> list[str]:
    """Says of tasks without sharing that they are not trained each alone."""
    found = [
        own for run in runs for own in run.summary.get("towers") or () if isinstance(own, list)
    ]
    named = dict.fromkeys(", ".join(map(str, own)) for own in found)
    return [f"{own} are trained together, as towers without sharing" for own in named]


def only_by(group: Group, comparison: Comparison) -> list[str]:
    """Names the metrics by which a task would count as learned, and how to have them count."""
    notes = []
    for task, metrics in (group.gain.only_by if group.gain is not None else {}).items():
        order, now = [*group.figures[task]], compared(group, comparison.options.metric)[task]
        for metric, seeds in metrics.items():
            before = [f"~tasks.{task}.metrics.{name}" for name in order[: order.index(metric)]]
            trains = f"; to put it first when training: {shlex.join(before)}" if before else ""
            said = f"{task} counts as not learned, by {' and '.join(dict.fromkeys([now, 'loss']))}"
            notes.append(
                f"{group.words}: {said}, though its {metric} is better than the floor's on all "
                f"{seeds} seeds. To judge by that: mtl-report <folder> metric={metric}{trains}"
            )
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
        for key in differing[:NAMED]
    ]
    return [f"different data is never averaged or compared; it differs in {', '.join(said)}"]


def listed(words: Sequence[str]) -> str:
    """The first few of several settings."""
    more = [f"{len(words) - NAMED} more"] if len(words) > NAMED else []
    return ", ".join([*words[:NAMED], *more])
