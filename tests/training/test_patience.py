"""Patience against a plain loop over the figures of tasks, one epoch after the other."""

import random
from types import SimpleNamespace

import pytest

from mtl_cli.training.patience import Patience
from mtl_cli.training.selection import Selection

HIGHER = {"accuracy": SimpleNamespace(higher_is_better=True)}


def make_tasks(names, untrained=()):
    return {name: SimpleNamespace(metrics=HIGHER, trained=name not in untrained) for name in names}


def settings(stop, patience=2, select="loss"):
    return SimpleNamespace(stop=stop, patience=patience, select=select)


def last_epoch(stop, patience, histories):
    """The epoch after which a training ends, by the losses of each task in each epoch."""
    total = [sum(losses) for losses in zip(*histories.values(), strict=True)]
    curves = [total] if stop == "select" else list(histories.values())
    for epoch in range(1, len(total) + 1):
        over = []
        for curve in curves:
            best = min(range(epoch), key=lambda e: (curve[e], e)) + 1
            over.append(epoch - best >= patience)
        if (any if stop == "first" else all)(over):
            return epoch
    return None


def ended(stop, patience, histories):
    own = settings(stop, patience)
    tasks = make_tasks(histories)
    best, waits = Selection(tasks, "loss"), Patience(tasks, own)
    for epoch, losses in enumerate(zip(*histories.values(), strict=True), 1):
        figures = {name: {"loss": x} for name, x in zip(histories, losses, strict=True)}
        best.note(epoch, figures)
        waits.note(epoch, figures)
        if waits.is_over(epoch, best.epoch):
            return epoch
    return None


@pytest.mark.parametrize("patience", [1, 2, 4])
@pytest.mark.parametrize("stop", ["select", "first", "all"])
def test_it_ends_where_a_plain_loop_does(stop, patience):
    draw = random.Random(0)
    ends = set()
    for _ in range(200):
        histories = {name: [draw.randrange(20) - e for e in range(15)] for name in "abc"}
        ends.add(ended(stop, patience, histories))
        assert ended(stop, patience, histories) == last_epoch(stop, patience, histories)
    assert len(ends) > 1


def test_first_ends_no_later_and_all_no_sooner_than_any_task():
    histories = {"a": [3, 2, 2, 2, 2, 2, 2, 2], "b": [9, 8, 7, 6, 5, 6, 6, 6]}
    found = {stop: ended(stop, 2, histories) for stop in ("first", "select", "all")}
    assert found == {"first": 4, "select": 7, "all": 7}


def test_a_task_stops_by_its_own_part_of_what_selects():
    select = {"a/accuracy": 1, "b/accuracy": 2}
    waits = Patience(make_tasks("abc"), settings("first", 1, select))
    waits.note(1, {t: {"loss": 1.0, "accuracy": 0.5} for t in "abc"})
    rising = {t: {"loss": 2.0, "accuracy": 0.6} for t in "ab"}  # a worse loss is no matter there
    waits.note(2, rising | {"c": {"loss": 0.5, "accuracy": 0.1}})
    assert not waits.is_over(2, 1)
    waits.note(3, {t: {"loss": 0.1, "accuracy": 0.6 + 0.1 * (t != "a")} for t in "abc"})
    assert waits.is_over(3, 3)


def test_tasks_that_are_not_trained_or_have_no_label_on_val_keep_nobody_waiting():
    waits = Patience(make_tasks("abc", untrained="b"), settings("first"))
    for epoch in range(1, 6):
        waits.note(epoch, {"a": {"loss": 1 / epoch}, "b": {"accuracy": 0.5}})
        assert not waits.is_over(epoch, epoch)


def test_its_state_goes_on():
    one, other = (Patience(make_tasks("ab"), settings("all")) for _ in range(2))
    one.note(1, {"a": {"loss": 1.0}, "b": {"loss": 1.0}})
    other.load_state_dict(one.state_dict())
    for waits in (one, other):
        waits.note(2, {"a": {"loss": 2.0}, "b": {"loss": 0.5}})
    assert other.state_dict() == one.state_dict()
    assert [other.is_over(epoch, 9) for epoch in (3, 4)] == [False, True]
