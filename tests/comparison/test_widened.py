"""Where single-task of a joint model's size was trained, no "helps" is said that it takes back."""

from collections.abc import Callable

import pytest

from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.compare import Comparison, compare
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.saved_run import read_run

NOISE = [0.001, -0.002, 0.003, 0.0, 0.002]
FLOOR = {"a": {"accuracy": 0.1, "mae": 9.0}, "b": {"accuracy": 0.1, "mae": 9.0}}
Side = tuple[float, float]  # accuracy and mae


@pytest.fixture
def study(leave, options, tmp_path) -> Callable[..., Comparison]:
    def make(joint: Side, single: Side, wide: Side, floor=FLOOR) -> Comparison:
        paths = []
        sides = {
            "hps": (joint, 3000, 8),
            "single_task": (single, 1000, 8),
            "wide": (wide, 3000, 24),
        }
        for name, ((accuracy, mae), size, hidden) in sides.items():
            for seed, noise in enumerate(NOISE):
                if name == "hps":
                    accuracy, mae = joint[0] + noise, joint[1] - noise
                figures = {task: {"accuracy": accuracy, "mae": mae} for task in ("a", "b")}
                arch = "hps" if name == "hps" else "single_task"
                summary = {"parameters": {"total": size}, "floor": floor, "floor_split": "test"}
                own = {"options": {"encoder.hidden": [hidden]}, "summary": summary}
                paths.append(leave(tmp_path / f"{name}{seed}", figures, arch, seed, **own))
        return compare([read_run(path) for path in paths], options())

    return make


def gain_of(comparison: Comparison) -> Gain:
    [table] = comparison.tables
    [gain] = [g.gain for g in table.groups if g.choices["arch"] == "hps"]
    assert gain is not None
    return gain


def test_helps_has_to_hold_over_both_and_why_it_does_not_is_said(study) -> None:
    comparison = study((0.8, 1.0), (0.7, 2.0), (0.85, 1.0))
    assert gain_of(comparison).word == "cannot say"
    assert "but single-task of its size is not beaten" in " ".join(answers(comparison))


def test_where_both_are_beaten_it_helps(study) -> None:
    comparison = study((0.8, 1.0), (0.7, 2.0), (0.7, 2.0))
    assert gain_of(comparison).word == "helps"
    assert "of its size" not in " ".join(answers(comparison))


def test_another_metric_does_not_say_helps_where_the_wide_one_is_not_beaten(study) -> None:
    """By accuracy it hurts; by error it is better than single-task, and worse than the wide one."""
    assert gain_of(study((0.7, 1.0), (0.8, 2.0), (0.8, 0.5))).others == {"mae": "cannot say"}


def test_another_metric_says_helps_where_both_are_beaten(study) -> None:
    assert gain_of(study((0.7, 1.0), (0.8, 2.0), (0.8, 1.5))).others == {"mae": "helps"}


@pytest.mark.parametrize(("wide", "word"), [(0.85, "cannot say"), (0.7, "helps")])
def test_verdicts_by_task_have_to_hold_over_both_too(study, wide, word) -> None:
    """Task b has a floor that neither side reaches, so that verdicts are by task."""
    floor = FLOOR | {"b": {"accuracy": 0.99, "mae": 0.01}}
    gain = gain_of(study((0.8, 1.0), (0.7, 2.0), (wide, 1.0), floor))
    assert {task: own.word for task, own in gain.by_task.items()} == {"a": word}
