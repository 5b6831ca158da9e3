"""Gain over all metrics is what the papers' formulas give, and ways to average are told apart."""

import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.saved_run import read_run

Pair = tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]
HIGHER = {"accuracy": 1, "mse": -1, "mae": -1}
# single-task and joint: one metric of task a, three of task b
JOINT_BETTER = (
    {"a": {"accuracy": 0.5}, "b": {"mse": 1.0, "mae": 2.0, "accuracy": 0.8}},
    {"a": {"accuracy": 0.6}, "b": {"mse": 1.1, "mae": 2.2, "accuracy": 0.7}},
)


@pytest.fixture
def gain(leave: Callable[..., Path], options: Callable[..., Any], tmp_path: Path) -> Any:
    def made(pair: Pair, **wishes: Any) -> tuple[Gain, str]:
        paths = [
            leave(tmp_path / f"{arch}{seed}", shifted(own, seed), arch, seed)
            for arch, own in zip(("single_task", "hps"), pair, strict=True)
            for seed in range(3)
        ]
        comparison = compare([read_run(path) for path in paths], options(**wishes))
        [found] = [group.gain for group in comparison.tables[0].groups if group.gain is not None]
        return found, answers(comparison)[0]

    return made


def shifted(figures: dict[str, dict[str, float]], seed: int) -> dict[str, dict[str, float]]:
    return {
        task: {m: value * (1 + 0.01 * seed) for m, value in own.items()}
        for task, own in figures.items()
    }


def relative(pair: Pair, task: str, metric: str) -> float:
    """By hand; seeds scale both sides alike."""
    base, own = (side[task][metric] for side in pair)
    return 100 * HIGHER[metric] * (own - base) / base


def test_it_is_the_mean_of_tasks_of_the_mean_of_metrics(gain: Any) -> None:
    found, _ = gain(JOINT_BETTER, metric="all")
    tasks = {
        task: statistics.mean(relative(JOINT_BETTER, task, metric) for metric in own)
        for task, own in JOINT_BETTER[0].items()
    }
    assert found.per_task == pytest.approx(tasks)
    assert found.total == pytest.approx(statistics.mean(tasks.values()))


def test_ways_to_average_that_disagree_in_sign_are_said(gain: Any) -> None:
    found, said = gain(JOINT_BETTER)
    each = [relative(JOINT_BETTER, t, m) for t, own in JOINT_BETTER[0].items() for m in own]
    first, by_task, alike = found.averages.values()
    assert first == pytest.approx((each[0] + each[1]) / 2) == pytest.approx(found.total)
    assert by_task == pytest.approx((each[0] + statistics.mean(each[1:])) / 2)
    assert alike == pytest.approx(statistics.mean(each))
    assert found.disagree
    assert "The sign hangs on how figures are averaged: +5.00 % by each task's first" in said
    assert re.search(r"-3.1\d % by all figures alike", said)


def test_one_metric_a_task_has_one_average(gain: Any) -> None:
    pair = tuple({t: dict([next(iter(own.items()))]) for t, own in s.items()} for s in JOINT_BETTER)
    found, said = gain(pair)
    assert found.averages == {}
    assert "averaged" not in said


def test_a_metric_whose_baseline_is_0_is_left_out(gain: Any) -> None:
    base = {"a": {"accuracy": 0.5}, "b": {"mse": 1.0, "accuracy": 0.0}}
    own = {"a": {"accuracy": 0.5}, "b": {"mse": 0.9, "accuracy": 0.3}}
    found, _ = gain((base, own), metric="all")
    assert found.per_task == pytest.approx({"a": 0, "b": 10})
