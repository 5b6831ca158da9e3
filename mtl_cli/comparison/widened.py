"""Is it sharing that helps, or size? A larger model has to beat single-task of its size too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtl_cli.comparison.baseline import BASELINE, unequal
from mtl_cli.comparison.gain import Wider, gain_over
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.judge import sides_of
from mtl_cli.comparison.learned import overlap_of
from mtl_cli.comparison.verdict import ENOUGH, Differences, verdict_at

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


def beat_widened(table: Table, group: Group, metric: str | None) -> None:
    """Leaves "helps" only where a setting beats widened single-task too, at the same level.

    Both have to be beaten, so that the level needs no correction for there being two.
    """
    gain, wide = group.gain, widened(group, table.groups)
    if gain is None or wide is None:
        return
    own, other, higher, trouble = sides_of(group, wide, metric)
    found = None if trouble or not own else gain_over(own, other, higher)
    word = "cannot say"
    if found and gain.whole and len(found.by_seed) >= ENOUGH:
        level = 1 - gain.whole.confidence
        word = verdict_at(Differences(found.by_seed, overlap_of(table, group)), level).word
    gain.wider = Wider(wide.words, wide.parameters or 0, found.total if found else None, word)
    if gain.whole is not None and gain.whole.word == "helps" and word != "helps":
        gain.whole = replace(gain.whole, word="cannot say")
