"""The sizes of both sides of a verdict, and single-task of the joint model's size."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_cli.comparison.compare import Comparison, compare
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.saved_run import find_runs, read_run
from mtl_cli.comparison.size import sizes
from mtl_cli.comparison.widened import widened

WIDE = {"encoder.hidden": [20, 20]}


@pytest.fixture
def study(leave, options, tmp_path: Path) -> Callable[..., Comparison]:
    def make(joint: int, wide: float | None, single: int = 1000) -> Comparison:
        """Joint, single-task and, unless None, widened single-task, with this error."""
        for seed in range(4):
            noise = 0.01 * seed**2

            def errors(of: float, noise: float = noise) -> dict[str, dict[str, float]]:
                return {"a": {"mse": of + noise}, "b": {"mse": 3 * of - noise}}

            place = tmp_path / str(seed)
            sized = {"summary": {"parameters": {"total": joint}}}
            leave(place / "hps", errors(0.8 + noise / 3), seed=seed, arch="hps", **sized)
            sized = {"summary": {"parameters": {"total": single}}}
            leave(place / "single", errors(1.0), seed=seed, arch="single_task", **sized)
            if wide is not None:
                sized = {"summary": {"parameters": {"total": 3900}}, "options": WIDE}
                leave(place / "wide", errors(wide), seed=seed, arch="single_task", **sized)
        return compare([read_run(path) for path in find_runs(tmp_path)], options())

    return make


def of(comparison: Comparison, arch: str) -> Group:
    [table] = comparison.tables
    return next(group for group in table.groups if group.choices["arch"] == arch)


@pytest.mark.parametrize(("wide", "doubted"), [(0.99, False), (0.79, True), (0.5, True)])
def test_it_has_to_beat_single_task_of_its_size(study, wide: float, doubted: bool) -> None:
    comparison = study(4000, wide)
    [table], group = comparison.tables, of(comparison, "hps")
    other = widened(group, table.groups)
    assert other is not None
    assert other.parameters == 3900
    assert group.gain.word == ("cannot say" if doubted else "helps")
    [said] = [note for note in sizes(comparison) if note.startswith("arch=hps")]
    assert "4,000 parameters, its baseline 1,000" in said
    assert "encoder.hidden=[20,20] 3,900" in said
    assert ("may be the parameters that help" in said) == doubted


def test_without_one_the_way_to_have_it_is_said(study) -> None:
    [said] = sizes(study(4000, None))
    assert "4.0 times fewer; study=baselines" in said


def test_a_smaller_joint_model_needs_none(study) -> None:
    comparison = study(500, 0.9)
    [table] = comparison.tables
    assert widened(of(comparison, "hps"), table.groups) is None
    assert "2.0 times more" in sizes(comparison)[0]


def test_similar_sizes_are_said_and_no_more(study) -> None:
    [said] = sizes(study(1200, None))
    assert said.endswith("1,200 parameters, its baseline 1,000")
