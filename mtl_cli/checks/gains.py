"""Whether a Gain says what one reads from it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from mtl_cli.checks.finding import Finding, of_table
from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.dealt import differences
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.judge import compared
from mtl_cli.comparison.verdict import verdict_at

MANY = 5  # settings, of which the best is partly the luckiest


def sign_hangs_on_metric(comparison: Comparison) -> Iterator[Finding]:
    """Another metric, or another way to average them, turns the verdict, where there is one."""
    for table in comparison.tables:
        for group in table.groups:
            other = {"helps": "hurts", "hurts": "helps"}.get(group.gain.word if group.gain else "")
            if group.gain is None or other is None:
                continue
            turned = [metric for metric, word in group.gain.others.items() if word == other]
            ways = [f"{other} by {metric}" for metric in turned]
            ways += ["the other way round by another average"] * group.gain.disagree
            if ways:
                said = f"{group.words}: {group.gain.word}, but {', '.join(ways)}"
                fix = "Say which metric counts before you look: metric=<name>, or the first of "
                yield Finding("sign-of-metric", said, f"{fix}each task's metrics")


def within_spread(comparison: Comparison) -> Iterator[Finding]:
    """A Gain that is there on average, and smaller than what seeds of the baseline differ by."""
    for table in comparison.tables:
        for group in table.groups:
            gain, base = group.gain, group.baseline
            if gain is None or base is None or gain.total is None or gain.whole is None:
                continue
            spread = spread_of(base, compared(group, comparison.options.metric))
            if gain.whole.word in ("helps", "hurts") and abs(gain.total) < spread:
                said = f"{group.words}: Gain {gain.total:+.2f} % is less than seeds of its baseline"
                fix = "It is true of the mean of many runs; of two single runs either may be better"
                yield Finding("within-spread", f"{said} differ by ({spread:.2f} %)", fix)


def spread_of(group: Group, metrics: dict[str, str]) -> float:
    """The standard deviation over seeds of a setting's figures, in percent of their means, averaged
    over the tasks as Gain is."""
    parts: dict[int, list[float]] = {}
    for task, metric in metrics.items():
        values = group.figures.get(task, {}).get(metric, {})
        mean = abs(statistics.mean(values.values())) if values else 0.0
        for seed, value in values.items():
            parts.setdefault(seed, []).append(100 * value / mean if mean else 0.0)
    by_seed = [statistics.mean(own) for own in parts.values()]
    return statistics.stdev(by_seed) if len(by_seed) > 1 else 0.0


def one_task_pays(comparison: Comparison) -> Iterator[Finding]:
    """Some tasks gain and others lose, each by more than chance."""
    for table in comparison.tables:
        for group in table.groups:
            words = words_by_task(table, group)
            gainers = [task for task, word in words.items() if word == "helps"]
            losers = [task for task, word in words.items() if word == "hurts"]
            if gainers and losers and group.gain is not None:
                means = group.gain.per_task
                said = [f"{task} {means[task]:+.2f} %" for task in (*gainers, *losers)]
                fix = f"A weight may settle it: tasks.{losers[0]}.weight=2, or weighting=famo"
                yield Finding("one-task-pays", f"{group.words}: {', '.join(said)}", fix)


def words_by_task(table: Table, group: Group) -> dict[str, str]:
    """The verdict on each task, at the level that all of a setting's together keep."""
    gain = group.gain
    if gain is None or gain.whole is None:
        return {}
    level = (1 - gain.whole.confidence) / len(gain.tasks)
    found = {
        task: differences(table, group, gain.seeds, values)
        for task, values in gain.tasks.items()
        if values
    }
    return {task: verdict_at(own, level).word for task, own in found.items() if own is not None}


def picked_among_many(comparison: Comparison) -> Iterator[Finding]:
    """The winner of many settings, all seen on test."""
    for table in comparison.tables:
        gains = {g.words: g.gain.total for g in table.groups if g.gain and g.gain.total is not None}
        if table.split != "test" or len(gains) < MANY or table.last_epochs is not None:
            continue
        best = max(gains, key=lambda words: gains[words])
        if gains[best] > 0:
            said = f"{best} is the best of {len(gains)} settings on test, and partly the luckiest"
            fix = (
                "Its Gain on new seeds will be smaller: choose on split=val, or repeat it and its "
            )
            fix += "baseline with seeds that nobody has seen"
            yield Finding("picked-among-many", of_table(comparison, table) + said, fix)
