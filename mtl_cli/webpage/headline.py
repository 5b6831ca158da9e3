"""The answer in a sentence, with its interval."""

from __future__ import annotations

from mtl_cli.comparison.beside import FLOOR
from mtl_cli.comparison.compare import gain_of
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.grids import best_that_helps
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.remarks import listed
from mtl_cli.comparison.verdict import ENOUGH, percent


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
    """The verdict on one setting, or why there is none."""
    gain, words = group.gain, group.words
    assert gain is not None
    assert group.baseline is not None
    if gain.nothing_learned:
        return "Nothing was learned, so nothing can be compared."
    if gain.whole is None:
        return f"No verdict on {words}: {why_none(gain, group.baseline)}."
    mean = "" if gain.total is None else f"Gain {gain.total:+.2f} % over {group.baseline.words}"
    ends = f"{percent(gain.whole.confidence)} interval {gain.low:+.2f} to {gain.high:+.2f} %"
    start = {
        "helps": f"Sharing helps: {words} has",
        "hurts": f"Sharing hurts: even the best setting, {words}, has",
        "makes no difference": f"Sharing makes no difference that matters: {words} has",
    }.get(gain.whole.word, f"Cannot say whether sharing helps: {words} has")
    doubt = f", but {gain.whole.doubt}" if gain.whole.doubt else ""
    return f"{start} {mean}, {ends}{doubt}."


def why_none(gain: Gain, base: Group) -> str:
    """Why there is no verdict on the whole, before any number; and what there is in its place."""
    unlearned = [task for task, known in gain.learned.items() if known is False]
    total = "" if gain.total is None else f"Gain over {base.words} is {gain.total:+.2f} %"
    if gain.published:
        return f"figures are as papers print them, over the last epochs{total and f'; {total}'}"
    if unlearned:
        learned = f"; {by_task(gain)}" if gain.by_task else ""
        return f"neither side learned {listed(unlearned)}, no better than {FLOOR}{learned}"
    if gain.pairs < ENOUGH:
        pairs = f"{gain.pairs} {'pair' if gain.pairs == 1 else 'pairs'} of seeds"
        said = f"{pairs} with {base.words}, and it takes {ENOUGH}"
        return f"{said}; by now {total}, which may be chance" if total else said
    return f"it has no Gain over {base.words}, a figure of which is 0"


def by_task(gain: Gain) -> str:
    """The verdicts on single tasks: ``sharing helps a, hurts b; of c it cannot be said``."""
    tasks: dict[str, list[str]] = {}
    for task, own in gain.by_task.items():
        tasks.setdefault(own.word, []).append(task)
    unsaid = tasks.pop("cannot say", [])
    sure = ", ".join(
        f"{word}{' to' * word.endswith('difference')} {listed(own)}" for word, own in tasks.items()
    )
    said = [f"sharing {sure}"] if sure else []
    said += [f"of {listed(unsaid)} one cannot say whether sharing helps"] if unsaid else []
    return "; ".join(said)
