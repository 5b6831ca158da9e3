"""The answer in a sentence, with its interval."""

from __future__ import annotations

from mtl_cli.comparison.compare import gain_of
from mtl_cli.comparison.grids import best_that_helps
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.verdict import percent


def headline(table: Table) -> str:
    """What a table says of sharing: by the best setting that helps, else by that of most Gain."""
    best = best_that_helps(table)
    compared = [group for group in table.groups if group.gain is not None and group.gain.seeds]
    if best:
        return sentence(table.groups[best[0]])
    if compared:
        return sentence(max(compared, key=gain_of))
    if any(group.baseline is group for group in table.groups):
        return "No answer yet: the single-task baseline is here, and nothing to compare with it."
    return "No answer yet: there is no single-task baseline to compare with."


def sentence(group: Group) -> str:
    """The verdict on one setting."""
    gain, words = group.gain, group.words
    assert gain is not None
    assert group.baseline is not None
    if gain.nothing_learned:
        return "Nothing was learned, so nothing can be compared."
    against = f"over {group.baseline.words}"
    mean = "" if gain.total is None else f"Gain {gain.total:+.2f} % {against}"
    if gain.whole is None:
        said = f": {mean}" if mean else ""
        return f"{words} has {'no verdict' if gain.published else gain.word}{said}.".replace(
            "has not enough runs to say", "has not enough runs to say whether sharing helps"
        )
    ends = f"{percent(gain.whole.confidence)} interval {gain.low:+.2f} to {gain.high:+.2f} %"
    start = {
        "helps": f"Sharing helps: {words} has",
        "hurts": f"Sharing hurts: even the best setting, {words}, has",
    }.get(gain.whole.word, f"Cannot say whether sharing helps: {words} has")
    doubt = f", but {gain.whole.doubt}" if gain.whole.doubt else ""
    return f"{start} {mean}, {ends}{doubt}."
