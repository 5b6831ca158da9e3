"""The answer in words: does sharing help, by how much, and how sure is that?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mtl_cli.comparison.baseline import BASELINE
from mtl_cli.comparison.beside import FLOOR
from mtl_cli.comparison.compare import Comparison, gain_of
from mtl_cli.comparison.dealt import deal_of, overlap_of, way_of
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.remarks import listed
from mtl_cli.comparison.setting import folds_of
from mtl_cli.comparison.verdict import ENOUGH, MOST, Verdict, percent

ANSWERS = 5
TRY = "more epochs, a larger optimizer.lr, other columns, or more rows"


def answers(comparison: Comparison) -> list[str]:
    """Whether sharing helps, for the settings of most Gain."""
    notes: list[str] = []
    for table in comparison.tables:
        gained = [group for group in table.groups if group.gain and group.gain.seeds]
        gained.sort(key=gain_of, reverse=True)
        for group in gained[:ANSWERS]:
            assert group.gain is not None
            notes.append(f"{group.words} on {table.name}: {answer(table, group, group.gain)}")
        if len(gained) > ANSWERS:
            notes.append(f"{len(gained) - ANSWERS} more settings of less Gain stand in the table")
    return notes


def answer(table: Table, group: Group, gain: Gain) -> str:
    """What there is to say of one setting."""
    if gain.published and table.last_epochs is not None:
        return as_published(table, group, gain)
    unlearned = [task for task, known in gain.learned.items() if known is False]
    if gain.nothing_learned:
        return (
            "nothing was learned, so nothing can be compared: neither side predicts better than "
            f"{FLOOR}. Try {TRY}"
        )
    if unlearned:
        said = [f"{task}: {of_task(gain, task, own)}" for task, own in gain.by_task.items()]
        return (
            f"no verdict on the whole, for neither side learned {listed(unlearned)} (no better "
            f"than {FLOOR}); {'; '.join(said) or gain.word}; {circumstances(table, group, gain)}"
        )
    figures = [] if gain.total is None else [f"Gain {gain.total:+.2f} %, Δm {-gain.total:+.2f} %"]
    figures += [] if gain.whole is None else [interval(gain.whole)]
    text = f"{gain.word} ({', '.join([*figures, circumstances(table, group, gain)])})"
    if gain.whole is not None:
        text += f". {robust(gain)}" if gain.improvement is not None else ""
        text += f". {enough_seeds(gain.whole)}" * (
            gain.word == "cannot say" and not gain.whole.doubt
        )
    if gain.others:
        by = "; ".join(f"{word} by {metric}" for metric, word in gain.others.items())
        text += f". Where other metrics counted: {by}"
    text += f". {ways(gain)}" if gain.disagree else ""
    unknown = [task for task, known in gain.learned.items() if known is None]
    if unknown and gain.pairs >= ENOUGH:  # else there is no verdict that it could be about
        why = f"for fewer than {ENOUGH} runs of a side say what {FLOOR} reaches"
        text += f". Whether {listed(unknown)} was learned is not known, {why}"
    return text


def as_published(table: Table, group: Group, gain: Gain) -> str:
    """Figures that are read as papers print them."""
    total = (
        "no Gain" if gain.total is None else f"Gain {gain.total:+.2f} %, Δm {-gain.total:+.2f} %"
    )
    text = (
        f"no verdict: {total} ({circumstances(table, group, gain)}), {table.where}. That repeats "
        "what papers print, and reads test every epoch; a verdict is given without as_published"
    )
    return f"{text}. {ways(gain)}" if gain.averages else text


def ways(gain: Gain) -> str:
    """What Gain is by each way to average figures."""
    said = ", ".join(f"{value:+.2f} % {kind}" for kind, value in gain.averages.items())
    return f"{'The sign hangs on how figures are averaged' if gain.disagree else 'Gain'}: {said}"


def robust(gain: Gain) -> str:
    """What few extreme runs cannot move."""
    said = f"A run of it is better than one of the baseline with probability {gain.improvement:.2f}"
    return f"{said}; the middle half of the gains {gain.middle:+.2f} %"


def enough_seeds(verdict: Verdict) -> str:
    """How many seeds would tell, if they spread as these do."""
    if math.isinf(verdict.seeds):
        return f"Up to {MOST} seeds would not tell a difference of this size on these rows"
    return f"About {verdict.seeds:.0f} seeds would tell a difference of this size, 8 times of 10"


def of_task(gain: Gain, task: str, verdict: Verdict) -> str:
    return f"{verdict.word} (gain {gain.per_task[task]:+.2f} %, {interval(verdict)})"


def interval(verdict: Verdict) -> str:
    doubt = f", but {verdict.doubt}" if verdict.doubt else ""
    return (
        f"{percent(verdict.confidence)} interval {verdict.low:+.2f} to {verdict.high:+.2f}{doubt}"
    )


def circumstances(table: Table, group: Group, gain: Gain) -> str:
    """The seeds and splits that it rests on, and what was compared, with its size."""
    folds = folds_of(group.runs[0])
    seeds = f"over {len(gain.seeds)} seeds ({', '.join(map(str, gain.seeds))})"
    if folds is not None:
        seeds = over_folds(group, gain.seeds, folds)
    elif len(gain.seeds) == 1:
        seeds = f"of seed {gain.seeds[0]} alone"
    run = {seed for side in (group, group.baseline) if side is not None for seed in side.seeds}
    if lacking := sorted(run - {*gain.seeds}):
        seeds += f", without {', '.join(map(str, lacking))}, of which one side lacks a figure"
    split = "each on a split of its own" if overlap_of(table, group) else "on this split"
    how, column = way_of(group.runs[0])
    if folds is not None:
        deals = {deal for deal, _ in map(deal_of, group.runs)}
        split = "each row tested once" + " a deal" * (len(deals) > 1)
        split = "each trained on what was before it" if how == "time" else split
    split += f", no {column} in two splits" * (how == "group")
    sides = [f"{kind(side)}{size(side)}" for side in (group, group.baseline) if side is not None]
    return f"{seeds}, {split}: {' against '.join(sides)}"


def over_folds(group: Group, seeds: Sequence[int], folds: int) -> str:
    """How many folds some seeds are, of how many deals of the rows."""
    own = {deal_of(run) for run in group.runs if run.seed in seeds}
    deals = len({deal for deal, _ in own})
    whole = f"{len(own)} folds" if deals == 1 else f"{len(own)} folds of {deals} deals"
    lacking = deals * folds - len(own)
    without = f" ({lacking} {'is' if lacking == 1 else 'are'} lacking)"
    several = f", {len(seeds)} runs of which those of a fold count as one"
    return f"over {whole}{without * bool(lacking)}{several * (len(own) < len(seeds))}"


def kind(group: Group) -> str:
    """A setting as somebody says it who does not know our words."""
    alone = group.choices.get("arch") == BASELINE
    if alone and any(run.summary.get("towers") for run in group.runs):
        return "towers without sharing"
    return "a separate model for each task" if alone else "one shared model"


def size(group: Group) -> str:
    return "" if group.parameters is None else f" of {group.parameters:,} parameters"
