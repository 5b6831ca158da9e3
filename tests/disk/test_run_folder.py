"""What a run leaves: rows that read back exactly, valid JSON, and a folder of its own."""

import csv
import json
import math
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.saved_run import find_runs
from mtl_cli.disk.run_folder import RunFolder, find_run, from_here

FIGURES = {"digit": {"loss": 0.1 + 0.2, "accuracy": 1 / 3}, 'a,"b"\n': {"mse": 1e-300}, "": {}}


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.cut_metrics(0)
    return folder


def rows(folder: RunFolder) -> list[dict[str, str]]:
    with open(folder.metrics, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_figure_is_a_row_that_reads_back_exactly(folder):
    folder.append_figures(1, 7, "val", FIGURES)
    folder.append_figures(2, 14, "test", {"": {"loss": math.nan}})
    assert folder.metrics.read_text().startswith("epoch,step,split,task,metric,value\n")
    read = rows(folder)
    assert [(row["task"], row["metric"], float(row["value"])) for row in read[:-1]] == [
        (task, metric, value)
        for task, values in FIGURES.items()
        for metric, value in values.items()
    ]
    assert {(row["epoch"], row["step"], row["split"]) for row in read[:-1]} == {("1", "7", "val")}
    assert (read[-1]["epoch"], read[-1]["task"]) == ("2", "")
    assert math.isnan(float(read[-1]["value"]))


def test_cutting_takes_back_what_was_written_after(folder):
    folder.append_figures(1, 1, "train", FIGURES)
    length, before = folder.metrics_length(), folder.metrics.read_bytes()
    folder.append_figures(2, 2, "train", FIGURES)
    folder.cut_metrics(length)
    assert folder.metrics.read_bytes() == before
    folder.cut_metrics(length)
    assert folder.metrics.read_bytes() == before


def test_starting_anew_leaves_the_header_alone(folder):
    """As when a run that stopped in its first epoch is gone on with."""
    empty = folder.metrics.read_bytes()
    folder.append_figures(1, 1, "train", FIGURES)
    folder.cut_metrics(0)
    assert folder.metrics.read_bytes() == empty


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_a_summary_is_valid_json_with_null_for_what_is_not_finite(tmp_path_factory, summary):
    def expected(value):
        if isinstance(value, dict):
            return {key: expected(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [expected(item) for item in value]
        return value if not isinstance(value, float) or math.isfinite(value) else None

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    folder = RunFolder(tmp_path_factory.getbasetemp())
    folder.write_json(folder.summary, summary)
    text = folder.summary.read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=refuse) == expected(summary) == folder.read_summary()


def test_a_summary_that_cannot_be_written_leaves_the_old_one(folder):
    folder.write_json(folder.summary, {"status": "running"})
    with pytest.raises(TypeError):
        folder.write_json(folder.summary, {"status": object()})
    assert folder.read_summary() == {"status": "running"}


def test_a_reader_of_the_old_summary_reads_it_whole(folder):
    folder.write_json(folder.summary, {"status": "running", "seed": 3})
    with open(folder.summary, encoding="utf-8") as old:
        folder.write_json(folder.summary, {"status": "completed"})
        assert json.load(old) == {"status": "running", "seed": 3}
    assert folder.read_summary() == {"status": "completed"}


def test_without_a_summary_there_is_an_empty_one(folder):
    assert folder.read_summary() == {}


def make_runs(root, names: list[str]) -> None:
    """Runs below ``root``, the later ones newer, though made in any order."""
    for i in random.Random(0).sample(range(len(names)), len(names)):
        (root / names[i]).mkdir(parents=True)
        (root / names[i] / "config.yaml").touch()
        os.utime(root / names[i] / "config.yaml", ns=(i * 10**9, i * 10**9))


def test_latest_is_the_newest_run_also_inside_a_sweep(tmp_path):
    names = ["2024-01-02/10-00_b", "2024-01-01/10-00_a", "2024-01-01/11-00_sweep/0"]
    make_runs(tmp_path, names)
    assert find_run("latest", tmp_path).path == tmp_path / names[-1]


def test_a_run_is_found_by_its_folder(tmp_path):
    make_runs(tmp_path, ["a", "b"])
    assert find_run(str(tmp_path / "a"), tmp_path / "elsewhere").path == tmp_path / "a"


@pytest.mark.parametrize("name", ["latest", "nonsense", "empty", "file"])
def test_what_is_no_run_is_refused(name, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    given = name if name == "latest" else str(tmp_path / name)
    with pytest.raises(Problem, match=r" must .*\n  found: \S.*\n  try:   \S") as error:
        find_run(given, tmp_path)
    assert str(error.value).startswith(given)


def test_a_path_is_said_as_it_can_be_pasted(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert from_here(tmp_path / "here" / "runs" / "1") == from_here(Path("runs/1")) == "runs/1"
    assert from_here(Path("my runs/1")) == "'my runs/1'"
    assert from_here(tmp_path / "elsewhere") == str(tmp_path / "elsewhere")


def test_a_mistyped_folder_is_answered_with_the_near_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "study" / "0").mkdir(parents=True)
    (tmp_path / "runs" / "study" / "0" / "config.yaml").touch()
    with pytest.raises(Problem, match=r"try:   runs/study/0$"):
        find_run("runs/stdy/0", Path("runs"))
    with pytest.raises(Problem, match=r"try:   runs/study$"):
        find_runs(Path("runs/sutdy"))
    with pytest.raises(Problem, match="or a folder below runs/"):
        find_run("elsewhere", Path("runs"))
