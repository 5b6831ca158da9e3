"""Whether the runs were trained so that their figures can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from mtl_cli.basis.duration import in_words, seconds_of
from mtl_cli.basis.errors import Problem
from mtl_cli.checks.finding import Finding, most_of, of_table
from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.history import Points, read_history
from mtl_cli.comparison.remarks import listed
from mtl_cli.comparison.saved_run import SavedRun, is_number, mapping
from mtl_cli.comparison.setting import identity

RATE = "optimizer.lr"
TIME = "trainer.time_limit"
WORSE = 0.1  # of the best loss on val, by which the last one has to be above it
LATER = 3  # epochs after the best one, at least


def test_watched(comparison: Comparison) -> Iterator[Finding]:
    """Test was evaluated while a run trained, so that somebody may have chosen by it."""
    for table in comparison.tables:
        runs = [run for group in table.groups for run in group.runs]
        watched = [run for run in runs if run.config.get("trainer.watch_test") is True]
        if watched and table.last_epochs is None:  # else that is what the user asks for
            said = f"{len(watched)} of {len(runs)} runs evaluated test after every epoch"
            fix = "What was chosen by it looks better than it is: choose on split=val, and repeat "
            fix += "the choice without trainer.watch_test"
            yield Finding("test-watched", of_table(comparison, table) + said, fix)


def best_is_last(comparison: Comparison) -> Iterator[Finding]:
    """Val was still improving when the training ended."""
    for table in comparison.tables:
        found = [g for g in table.groups if most_of([r for r in g.runs if improving(r)], g.runs)]
        if found:
            said = f"of {listed([group.words for group in found])} the best epoch is the last one"
            longest = max((run for g in found for run in g.runs), key=epochs_of)
            fix = f"More may change the verdict: {twice_as_long(longest)} for all settings"
            yield Finding("best-is-last", of_table(comparison, table) + said, fix)


def improving(run: SavedRun) -> bool:
    """Whether the best epoch of some task is the last of all that were wished."""
    sizes = mapping(mapping(run.summary.get("dataset")).get("sizes"))
    if run.summary.get("status") != "completed" or not sizes.get("val"):
        return False
    return run.summary.get("epochs") in mapping(run.summary.get("best_epoch")).values()


def epochs_of(run: SavedRun) -> int:
    return whole(run.summary.get("epochs"))


def whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def twice_as_long(run: SavedRun) -> str:
    """The option by which a run would be twice as long: the one that ended it."""
    if run.summary.get("ended_by") == TIME:
        with suppress(Problem):
            return f"{TIME}={in_words(2 * seconds_of(TIME, run.config.get(TIME)))}"
    for option in ("steps", "examples"):
        if run.summary.get("ended_by") == f"trainer.max_{option}":
            return f"trainer.max_{option}={2 * whole(run.summary.get(option))}"
    return f"trainer.max_epochs={2 * epochs_of(run)}"


def ended_by_time(comparison: Comparison) -> Iterator[Finding]:
    """Runs had as many steps as their machine made in a time."""
    for table in comparison.tables:
        runs = [run for group in table.groups for run in group.runs]
        found = [run for run in runs if run.summary.get("ended_by") == TIME]
        if found:
            steps = sorted(whole(run.summary.get("steps")) for run in found)
            span = f"{steps[0]}" if steps[0] == steps[-1] else f"{steps[0]} to {steps[-1]}"
            said = f"{len(found)} of {len(runs)} runs ended by {TIME}, after {span} steps"
            fix = "Another machine makes more of them or fewer, and no schedule came to its end; "
            fix += f"equal for all settings, anywhere: trainer.max_steps={steps[0]}"
            yield Finding("ended-by-time", of_table(comparison, table) + said, fix)


def rate_at_edge(comparison: Comparison) -> Iterator[Finding]:
    """The best learning rate of a sweep is the smallest or the largest that was tried."""
    for table in comparison.tables:
        alike: dict[str, list[Group]] = {}
        for group in table.groups:
            rest = {key: value for key, value in group.setting.items() if key != RATE}
            if is_number(group.setting.get(RATE)) and objective(group) is not None:
                alike.setdefault(identity(rest), []).append(group)
        for groups in alike.values():
            by_rate = sorted(groups, key=lambda group: group.setting[RATE])
            best = min(by_rate, key=lambda group: objective(group) or 0.0)
            if len(by_rate) < 2 or best not in (by_rate[0], by_rate[-1]):
                continue
            rates = [float(group.setting[RATE]) for group in by_rate]
            step = max(high / low for low, high in pairwise(rates))
            first = best is by_rate[0]
            edge = rates[0] / step if first else rates[-1] * step
            which = "smallest" if first else "largest"
            said = f"{best.words} is best on val with the {which} of {len(rates)} learning rates"
            yield Finding("rate-at-edge", said, f"A better one may lie beyond: {RATE}={edge:.2g}")


def objective(group: Group) -> float | None:
    """What the runs of a setting minimised on val, on average."""
    values = [run.summary.get("objective") for run in group.runs]
    known = [float(value) for value in values if isinstance(value, int | float)]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def overfitting(comparison: Comparison) -> Iterator[Finding]:
    """The loss on train went on falling while that on val rose; the first run of each setting."""
    for table in comparison.tables:
        found: dict[str, list[str]] = {}
        for group in table.groups:
            for task in overfitted(group.runs[0]):
                found.setdefault(task, []).append(group.words)
        for task, words in found.items():
            said = f"{task} of {listed(words)}: the loss on train fell on while that on val rose"
            fix = "Figures are of the best epoch and stand; more dropout, more weight decay or "
            fix += "more rows would leave more of the training to use"
            yield Finding("overfitting", of_table(comparison, table) + said, fix)


def overfitted(run: SavedRun) -> list[str]:
    """The tasks whose loss on val ended well above its best, with train still falling."""
    try:
        curves = read_history(run.folder.metrics)
    except (Problem, OSError):  # the pictures say so
        return []
    losses = {task: own.get("loss", {}) for task, own in curves.items()}
    return [task for task, own in losses.items() if rises(own.get("train", []), own.get("val", []))]


def rises(train: Points, val: Points) -> bool:
    if not train or not val:
        return False
    best = min(val, key=lambda point: point[1])
    last = val[-1]
    then = dict(train).get(best[0])
    later = last[0] - best[0] >= LATER
    return (
        later
        and then is not None
        and train[-1][1] < then
        and last[1] - best[1] > WORSE * abs(best[1])
    )
