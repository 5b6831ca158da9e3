"""Is it sharing that helps, or size? A larger model has to beat single-task of its size too."""

from __future__ import annotations

from dataclasses import replace

from mtl_cli.comparison.baseline import BASELINE, unequal
from mtl_cli.comparison.gain import gain_over
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.judge import sides_of
from mtl_cli.comparison.learned import overlap_of
from mtl_cli.comparison.verdict import ENOUGH, Differences, verdict_at

RATIO = 1.5  # of parameters, above which size may be what helps


def beat_widened(table: Table, group: Group, metric: str | None) -> None:
    """Leaves "helps" only where a setting beats widened single-task too, at the same level.

    Both have to be beaten, so that the level needs no correction for there being two.
    """
    gain, base = group.gain, group.baseline
    if gain is None or base is None or not group.parameters or not base.parameters:
        return
    if base.choices.get("arch") != BASELINE or group.parameters <= RATIO * base.parameters:
        return
    rivals = [other for other in table.groups if is_widened(other, base)]
    size = f"{group.parameters / base.parameters:.2g} times the parameters of {base.words}"
    if not rivals:
        gain.size = f"it has {size}, and no wider one was trained: that may be what it shows"
        return
    rival = max(rivals, key=lambda other: other.parameters or 0)
    own, other, higher, _ = sides_of(group, rival, metric)
    found = gain_over(own, other, higher)
    said = f"it has {size}; {rival.words} is single-task of {rival.parameters:,}"
    verdict = None
    if gain.whole is not None and len(found.by_seed) >= ENOUGH:
        level = 1 - gain.whole.confidence
        verdict = verdict_at(Differences(found.by_seed, overlap_of(table, group)), level)
        said += f", over which Gain is {found.total:+.2f} %: {verdict.word}"
    gain.size = said
    beaten = verdict is not None and verdict.word == "helps"
    if gain.whole is not None and gain.whole.word == "helps" and not beaten:
        gain.whole = replace(gain.whole, word="cannot say")


def is_widened(group: Group, base: Group) -> bool:
    """Whether a setting is a baseline but for the options of its encoder, which make it larger."""
    differing = unequal(group, base)
    return (
        group.choices.get("arch") == BASELINE
        and bool(differing)
        and all(key.startswith("encoder.") for key in differing)
        and (group.parameters or 0) > (base.parameters or 0)
    )
