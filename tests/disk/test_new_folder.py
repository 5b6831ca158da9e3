"""Folders that commands make."""

import os

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.disk.new_folder import create_folder


def test_a_folder_that_is_taken_gets_a_suffix(tmp_path):
    path = tmp_path / "runs" / "2024-01-31" / "12.30_run"
    made = []
    for _ in range(4):
        made.append(create_folder(path))
        (made[-1] / "config.yaml").touch()
    assert [p.name for p in made] == ["12.30_run", "12.30_run_2", "12.30_run_3", "12.30_run_4"]


def test_a_folder_that_was_there_is_left_alone_even_if_empty(tmp_path):
    """It may be that of a run that starts at this moment."""
    assert create_folder(tmp_path) == tmp_path.with_name(f"{tmp_path.name}_2")


def test_runs_that_start_at_once_get_a_folder_each(tmp_path):
    """Neither has written anything when the other one asks."""
    assert create_folder(tmp_path / "run") != create_folder(tmp_path / "run")


@pytest.mark.parametrize("below", ["file", "file/run", "file/deep/run"])
def test_a_folder_below_a_file_is_refused(below, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Problem, match=r"must be a folder .*\n  found: \S.*\n  try:   \S"):
        create_folder(tmp_path / below)
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder kept from us")
def test_a_folder_that_may_not_be_made_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(Problem, match="must be a folder that can be made"):
        create_folder(tmp_path / "run")


def test_a_start_that_failed_leaves_the_folder_to_the_corrected_command(tmp_path):
    """Its run is where it was asked to be, and the failure is not in the way of ``run=``."""
    path = tmp_path / "run"
    create_folder(path)
    (path / "summary.json").write_text('{"status": "failed", "error": "mistyped"}')
    (path / "train.log").write_text("mistyped")
    assert create_folder(path) == path
    assert not list(path.iterdir())
    assert create_folder(path) == tmp_path / "run_2"  # for it is somebody's again


@pytest.mark.parametrize("summary", ['{"status": "running"}', '{"status": "finished"}', "[", "[]"])
def test_what_is_no_failed_start_is_left_alone(summary, tmp_path):
    path = create_folder(tmp_path / "run")
    (path / "summary.json").write_text(summary)
    (path / "train.log").touch()
    assert create_folder(path) == tmp_path / "run_2"
    assert (path / "summary.json").read_text() == summary


@pytest.mark.parametrize("more", ["config.yaml", "notes.txt"])
def test_a_failure_amid_a_training_is_left_alone(more, tmp_path):
    path = create_folder(tmp_path / "run")
    (path / "summary.json").write_text('{"status": "failed"}')
    (path / "train.log").touch()
    (path / more).touch()
    assert create_folder(path) == tmp_path / "run_2"
    assert len(list(path.iterdir())) == 3
