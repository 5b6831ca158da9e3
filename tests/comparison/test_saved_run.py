"""Run folders are found and read as data; one that does not count says why."""

import json
from pathlib import Path

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.saved_run import find_runs, read_run

ONE = {"a": {"mse": 1.0}}


def test_runs_are_found_at_any_depth_by_their_numbers(leave, tmp_path: Path) -> None:
    for place in ("b_sweep/10", "b_sweep/9", "a", "b_sweep/single_task/0", ".hidden/0"):
        leave(tmp_path / place, ONE)
    (tmp_path / "b_sweep/11").mkdir()
    (tmp_path / "report").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_runs(tmp_path)]
    assert found == ["a", "b_sweep/single_task/0", "b_sweep/9", "b_sweep/10", "b_sweep/11"]
    assert find_runs(tmp_path / "a") == [tmp_path / "a"]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"must be a folder with runs(.|\n)*no run in it"):
        find_runs(tmp_path)
    with pytest.raises(Problem, match="no such folder"):
        find_runs(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("running", ["running still, or killed", "mtl-train resume="]),
        ("interrupted", ["interrupted after 2 epochs", "mtl-train resume="]),
        ("failed", ["failed", "train.log"]),
        ("exploded", ["'exploded'"]),
    ],
)
def test_only_finished_runs_count(leave, tmp_path: Path, status: str, words: list[str]) -> None:
    trouble = read_run(leave(tmp_path / "run", ONE, status=status)).trouble
    assert trouble is not None
    assert all(word in trouble for word in words)
    assert read_run(leave(tmp_path / "early", ONE, status="stopped_early")).trouble is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("summary.json", "{'status': ", "summary.json must be JSON"),
        ("summary.json", "[1]", "summary.json must be a mapping"),
        ("config.yaml", "seed: [0", "config.yaml must be YAML"),
        ("config.yaml", "seed: !!python/object/apply:os.getcwd []", "config.yaml must be YAML"),
        ("config.yaml", "name: x", "config.yaml names no seed"),
    ],
)
def test_a_damaged_file_is_named_and_nothing_in_it_is_executed(
    leave, tmp_path: Path, name: str, text: str, words: str
) -> None:
    path = leave(tmp_path / "run", ONE)
    (path / name).write_text(text)
    assert words in (read_run(path).trouble or "")


def test_an_empty_job_says_that_it_left_nothing(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    assert "left no summary.json" in (read_run(tmp_path / "3").trouble or "")


def test_what_is_no_number_is_no_figure(leave, tmp_path: Path) -> None:
    path = leave(tmp_path / "run", {"a": {"mse": None, "mae": 2.0, "loss": 1.0}})
    assert read_run(path).figures("test") == {"a": {"mae": 2.0, "loss": 1.0}}
    file = path / "summary.json"
    file.write_text(
        json.dumps(json.loads(file.read_text()) | {"test": {"a": 3, "b": {"mse": "x"}}})
    )
    assert read_run(path).figures("test") == {"a": {}, "b": {}}
