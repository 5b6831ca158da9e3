"""From figures to verdicts: each setting's Gain over its baseline, and what it lets one say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtl_cli.comparison.averaged import ALL, averages, gain_of_all
from mtl_cli.comparison.dealt import differences
from mtl_cli.comparison.gain import Gain, gain_over
from mtl_cli.comparison.group import Group, Seeds, Table
from mtl_cli.comparison.learned import learned, learned_by
from mtl_cli.comparison.verdict import Differences, verdicts


@dataclass(frozen=True)
class Question:
    """A verdict that is asked for: on a setting as a whole, or on one of its tasks."""

    gain: Gain
    task: str | None
    differences: Differences


def judge(
    tables: Sequence[Table], metric: str | None, confidence: float, negligible: float = 0.0
) -> list[str]:
    """Gives every setting with a baseline its Gain and its verdict, which figures of the last
    epochs have not.

    Returns:
        what there is to say of those that have none.
    """
    notes: list[str] = []
    questions: list[Question] = []
    for table in tables:
        for group in table.groups:
            notes += set_gain(group, metric)
            if group.gain is not None and group.baseline is not None:
                first, _ = gain_against(group, group.baseline, None)
                group.gain.averages = averages(group, group.baseline, first)
            if group.gain is not None and table.last_epochs is not None:
                group.gain.published = True
            elif group.gain is not None:
                set_learned(table, group, metric, confidence)
                questions += asked(table, group, group.gain)
    found = verdicts([question.differences for question in questions], confidence, negligible)
    for question, verdict in zip(questions, found, strict=True):
        if question.task is None:
            question.gain.whole = verdict
        else:
            question.gain.by_task[question.task] = verdict
    return notes


def compared(group: Group, metric: str | None) -> dict[str, str]:
    """The metric of each task that Gain and ranks compare: the wished one, else the first."""
    return {
        task: metric if metric is not None and metric in values else group.first_metric(task)
        for task, values in group.figures.items()
    }


def set_gain(group: Group, metric: str | None) -> list[str]:
    """Computes a group's Gain over its baseline; gives what there is to say where it has none."""
    group.gain, notes = gain_of_pair(group, metric)
    zero = [task for task, own in group.gain.tasks.items() if own is None] if group.gain else []
    if group.gain and group.gain.seeds and zero:
        rest = [mean for mean in group.gain.per_task.values() if mean is not None]
        others = f" over all tasks; over the others it is {sum(rest) / len(rest):+.2f} %"
        names = ", ".join(zero)
        notes.append(
            f"{group.words}: the baseline of {names} is 0, not divided by: no Gain"
            f"{others if rest else ''}"
        )
    return notes


def gain_of_pair(group: Group, metric: str | None) -> tuple[Gain | None, list[str]]:
    """A group's Gain in some metric, or why there is none."""
    if group.baseline is None or group.baseline is group:
        return None, []
    gain, trouble = gain_against(group, group.baseline, metric)
    return gain, [f"{group.words}: no Gain, for {trouble}"] if trouble else []


def gain_against(group: Group, base: Group, metric: str | None) -> tuple[Gain | None, str]:
    """Gain over another setting, and what is in the way of it."""
    if metric == ALL:
        return gain_of_all(group, base), ""
    own, other, higher, trouble = sides_of(group, base, metric)
    return gain_over(own, other, higher) if own and not trouble else None, trouble


def sides_of(
    group: Group, base: Group, metric: str | None
) -> tuple[dict[str, Seeds], dict[str, Seeds], dict[str, bool], str]:
    """The figures of a setting and of its baseline that are compared, which way is better, and
    what is in the way of comparing them."""
    own: dict[str, Seeds] = {}
    other: dict[str, Seeds] = {}
    higher: dict[str, bool] = {}
    for task, name in compared(group, metric).items():
        up = group.higher_is_better(task, name)
        own[task] = group.figures[task].get(name, {})
        other[task] = base.figures.get(task, {}).get(name, {})
        if up is None:
            return own, other, higher, f"{task}/{name} does not say which way is better"
        if not own[task] or not other[task]:
            who = group if not own[task] else base
            return own, other, higher, f"{who.words} has no figure of {task}/{name}"
        higher[task] = up
    return own, other, higher, ""


def set_learned(table: Table, group: Group, metric: str | None, confidence: float) -> None:
    """Notes which tasks a setting or its baseline learned."""
    assert group.gain is not None
    assert group.baseline is not None
    for task, name in compared(group, metric).items():
        sides = {learned(table, side, task, name, confidence) for side in (group, group.baseline)}
        group.gain.learned[task] = True if True in sides else None if None in sides else False
        if group.gain.learned[task] is False:
            for side in (group.baseline, group):
                group.gain.only_by.setdefault(task, {}).update(
                    learned_by(table, side, task, name, confidence)
                )


def asked(table: Table, group: Group, gain: Gain) -> list[Question]:
    """The verdict on the whole, or those on what was learned where something was not."""
    wanted: dict[str | None, list[float]] = {None: gain.by_seed}
    if False in gain.learned.values():
        known = {task: own for task, own in gain.tasks.items() if gain.learned[task] is not False}
        wanted = {task: values or [] for task, values in known.items()}
    found = {
        task: differences(table, group, gain.seeds, values)
        for task, values in wanted.items()
        if values
    }
    return [Question(gain, task, own) for task, own in found.items() if own is not None]
