"""Is it sharing that helps, or size? A larger model has to beat single-task of its size too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtl_cli.comparison.baseline import BASELINE, unequal
from mtl_cli.comparison.dealt import differences
from mtl_cli.comparison.gain import Gain, Wider
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.judge import gain_against
from mtl_cli.comparison.verdict import Differences, Verdict, verdict_at

RATIO = 1.5  # of parameters, above which single-task of the joint model's size is trained too
ALIKE = 1.25  # up to which a model counts as of another's size


def ratio(group: Group) -> float | None:
    """How many times the parameters of its baseline a setting has."""
    base = group.baseline
    if base is None or base is group or not group.parameters or not base.parameters:
        return None
    return group.parameters / base.parameters


def widened(group: Group, groups: Sequence[Group]) -> Group | None:
    """The single-task setting that differs in the encoder's width and is as large as a joint model
    of more than `RATIO` times its baseline's parameters; None where none was run or none is needed.
    """
    times, own = ratio(group), group.parameters
    if times is None or times <= RATIO or own is None:
        return None
    found = [
        other
        for other in groups
        if other.choices.get("arch") == BASELINE
        and (keys := unequal(group, other))
        and all(key.startswith("encoder.") for key in keys)
        and (other.parameters or 0) * ALIKE >= own
    ]
    return min(found, key=lambda other: other.parameters or 0, default=None)


def gain_over_widened(table: Table, group: Group, metric: str | None) -> Gain | None:
    """A setting's Gain over single-task of its size; None where there is none."""
    wide = widened(group, table.groups)
    if wide is None:
        return None
    return gain_against(group, wide, metric)[0]


def beat_widened(table: Table, group: Group, metric: str | None) -> None:
    """Leaves "helps" only where a setting beats widened single-task too, at the same level.

    Both have to be beaten, so that the level needs no correction for there being two.
    """
    gain, wide = group.gain, widened(group, table.groups)
    if gain is None or wide is None or gain.published:
        return
    found = gain_over_widened(table, group, metric)

    def over_widened(values: Sequence[float] | None) -> Differences | None:
        return differences(table, group, found.seeds, values) if found and values else None

    whole = over_widened(found.by_seed if found else None)
    tasks = found.tasks if found else {}
    word = "cannot say" if gain.whole is None else word_like(gain.whole, whole)
    gain.wider = Wider(wide.words, wide.parameters or 0, found.total if found else None, word)
    if gain.whole is not None:
        gain.whole = held(gain.whole, whole)
    gain.by_task = {
        task: held(own, over_widened(tasks.get(task))) for task, own in gain.by_task.items()
    }


def held(verdict: Verdict, over_widened: Differences | None) -> Verdict:
    """A verdict, where "helps" has to hold for the gains over widened single-task too."""
    if verdict.word != "helps" or word_like(verdict, over_widened) == "helps":
        return verdict
    return replace(verdict, word="cannot say", doubt="single-task of its size is not beaten")


def word_like(verdict: Verdict, gains: Differences | None) -> str:
    """What other gains say at the level of a verdict; None: they are too few."""
    return "cannot say" if gains is None else verdict_at(gains, 1 - verdict.confidence).word
