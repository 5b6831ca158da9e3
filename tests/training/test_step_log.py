"""The log of an epoch's steps: exact means, tasks that come and go, and its state."""

import math

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.disk import checkpoint
from mtl_cli.training.step_log import StepLog

STEPS = [{"a": 1.0, "b": 0.1}, {"a": 2.0}, {"b": 0.2, "a": 4.0}, {}, {"b": 0.7}]


def add(log: StepLog, steps: list[dict[str, float]], first: int = 1) -> None:
    for step, figures in enumerate(steps, first):
        log.add(step, {task: torch.tensor(value) for task, value in figures.items()})


def mean(task: str, steps: list[dict[str, float]]) -> float:
    values = [float(torch.tensor(figures[task])) for figures in steps if task in figures]
    return math.fsum(values) / len(values)


def test_means_are_over_the_steps_in_which_a_task_was_present():
    log = StepLog()
    add(log, STEPS)
    log.collect()
    assert log.means() == {task: mean(task, STEPS) for task in ("a", "b")}


def test_when_the_numbers_are_collected_does_not_matter():
    late, often = StepLog(), StepLog()
    add(late, STEPS)
    for i, figures in enumerate(STEPS):
        add(often, [figures], i + 1)
        often.collect()
    late.collect()
    assert late.means() == often.means()


def test_step_rows_cover_the_steps_since_the_last_one():
    log = StepLog()
    assert log.means_since_last() == {}
    add(log, STEPS[:2])
    log.collect()
    assert log.means_since_last() == {task: mean(task, STEPS[:2]) for task in ("a", "b")}
    add(log, STEPS[4:], 3)
    log.collect()
    assert log.means_since_last() == {"b": mean("b", STEPS[4:])}
    assert log.means()["a"] == mean("a", STEPS[:2])


def test_a_new_epoch_begins_empty():
    log = StepLog()
    add(log, STEPS)
    log.collect()
    log.means_since_last()
    log.clear()
    add(log, [{"a": 8.0}])
    log.collect()
    assert log.means() == log.means_since_last() == {"a": 8.0}


def test_nothing_of_the_graph_is_kept():
    log, value = StepLog(), torch.ones((), requires_grad=True)
    log.add(1, {"a": value * 2})
    assert log.pending == [(1, {"a": 2.0}, {"a": 1.0})]
    log.collect()
    assert log.means() == {"a": 2.0}


def test_the_state_goes_on_as_if_nothing_had_been(tmp_path):
    whole, first, second = StepLog(), StepLog(), StepLog()
    for log in (whole, first):
        add(log, STEPS[:1])
        log.collect()
        log.means_since_last()
        add(log, STEPS[1:3], 2)
        log.collect()
    checkpoint.save(tmp_path / "log.pt", {"model": {}, "log": first.state_dict()})
    second.load_state_dict(checkpoint.load(tmp_path / "log.pt")["log"])
    for log in (whole, second):
        add(log, STEPS[3:], 4)
        log.collect()
    assert second.means() == whole.means()
    assert second.means_since_last() == whole.means_since_last()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_told_with_its_task_and_its_step(value):
    log = StepLog()
    add(log, [{"a": 1.0, "b": 1.0}, {"a": 1.0, "b": value}, {"a": value}], 7)
    with pytest.raises(Problem, match=r"task 'b' at step 8") as error:
        log.collect()
    assert f"found: {value}" in str(error.value)


def test_values_count_by_what_they_are_the_mean_of(tmp_path):
    whole, first, second = StepLog(), StepLog(), StepLog()
    steps = [(2.0, 3), (5.0, torch.tensor(0.25)), (1.0, 7.0), (4.0, 3)]
    for log in (whole, first):
        for step, (value, over) in enumerate(steps[: 4 if log is whole else 2], 1):
            log.add(step, {"a": torch.tensor(value)}, {"a": over, "b": 9})
        log.collect()
    assert whole.means()["a"] == pytest.approx((6 + 1.25 + 7 + 12) / 13.25, rel=1e-15)
    first.means_since_last()
    checkpoint.save(tmp_path / "log.pt", {"model": {}, "log": first.state_dict()})
    second.load_state_dict(checkpoint.load(tmp_path / "log.pt")["log"])
    for step, (value, over) in enumerate(steps[2:], 3):
        second.add(step, {"a": torch.tensor(value)}, {"a": over})
    second.collect()
    assert second.means() == whole.means()
    assert second.means_since_last()["a"] == pytest.approx((7 + 12) / 10, rel=1e-15)


def test_equal_denominators_change_no_bit():
    log, plain = StepLog(), StepLog()
    for step, value in enumerate([0.1, 0.7, 1 / 3, 1e-9], 1):
        log.add(step, {"a": torch.tensor(value)}, {"a": 37})
        plain.add(step, {"a": torch.tensor(value)})
    log.collect()
    plain.collect()
    assert log.means() == plain.means()


def test_the_state_of_an_older_checkpoint_counts_all_values_the_same():
    log = StepLog()
    values = torch.tensor([1.0, 4.0], dtype=torch.float64)
    log.load_state_dict({"values": {"a": values}, "reported": {"a": 1}})
    assert log.means() == {"a": 2.5}
    assert log.means_since_last() == {"a": 4.0}
