"""Rows that Python holds: trained, compared and predicted as files of the same rows are."""

import json
import sys

import numpy as np
import pandas as pd
import pyarrow
import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.held import HELD, arrow_table, held

TARGETS = {"ill": "binary", "age": "regression"}
WORDS = ["dataset.targets={ill: binary, age: regression}", "trainer.max_epochs=2"]
QUICK = ["pictures.curves=false", "pictures.metrics=false", "dataset.reference=0"]


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(80, 2))
    columns = {"height": x[:, 0], "kind": draw.choice(["u", "v"], 80)}
    columns["age"] = 50 + 10 * x[:, 0] + x[:, 1]
    columns["ill"] = np.where(x.sum(1) > 0, "yes", "no")
    return pd.DataFrame(columns, index=[f"row {i}" for i in range(80)])


def figures(folder):
    summary = json.loads((folder / "summary.json").read_text())
    return summary["best"], summary["test"]


@pytest.fixture(scope="module")
def run(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("held") / "run"
    mtl_cli.train([f"hydra.run.dir={folder}", *WORDS, *QUICK], data=frame)
    return folder


def test_a_frame_trains_as_its_file_does(frame, run, tmp_path):
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    path = f"dataset.path={tmp_path / 't.parquet'}"
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", "dataset=table", path, *WORDS, *QUICK])
    assert figures(tmp_path / "run") == figures(run)
    assert not HELD


@pytest.mark.parametrize(
    "form", [pyarrow.Table.from_pandas, lambda frame: frame.to_dict("list")], ids=["arrow", "dict"]
)
def test_tables_and_columns_do_too(frame, run, tmp_path, form):
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *WORDS, *QUICK], data=form(frame))
    assert figures(tmp_path / "run") == figures(run)


def test_a_run_goes_on_with_the_same_rows_alone(frame, run):
    more = [f"resume={run}", "trainer.max_epochs=3"]
    with pytest.raises(Problem, match=r"mtl_cli.train\(\[...\], data=frame\)"):
        mtl_cli.train(more)
    with pytest.raises(Problem, match="must be the data that the run was trained on"):
        mtl_cli.train(more, data=frame.assign(height=frame.height**3))
    assert mtl_cli.train(more, data=frame)["epochs"] == 3


def test_predictions_keep_the_index_and_take_lists(frame, run):
    trained = mtl_cli.load_run(run)
    rows = frame.drop(columns=["ill", "age"]).head(5)
    found = trained.predict(rows)
    assert list(found.index) == list(rows.index)
    values = found[["ill", "age"]].reset_index(drop=True)
    for same in (rows.to_dict("records"), pyarrow.Table.from_pandas(rows)):
        pd.testing.assert_frame_equal(trained.predict(same)[["ill", "age"]], values)


def test_arrays_are_examples_as_tensors_are(tmp_path):
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", "trainer=smoke", *QUICK[:2]])
    trained = mtl_cli.load_run(tmp_path / "run")
    x = np.linspace(-1, 1, 4)[:, None]
    by_tensor = trained.predict(torch.from_numpy(x).float())
    pd.testing.assert_frame_equal(trained.predict(x), by_tensor)


def test_compare_says_what_a_study_says_and_goes_on(frame, tmp_path):
    words = ["trainer.max_epochs=2", *QUICK]
    answer = mtl_cli.compare(frame, TARGETS, seeds=2, words=words, folder=tmp_path / "c")
    (verdict,) = answer.verdicts
    assert verdict.startswith("arch=hps on table (memory:data): ")
    assert verdict in str(answer).replace("\n  ", " ")
    assert {"Gain ill", "Gain age"} <= set(answer.table.columns)
    assert (tmp_path / "c" / "report" / "report.csv").is_file()
    before = (tmp_path / "c" / "0" / "metrics.csv").stat().st_mtime_ns
    again = mtl_cli.compare(frame, TARGETS, seeds=2, words=words, folder=tmp_path / "c")
    assert again.verdicts == answer.verdicts
    assert (tmp_path / "c" / "0" / "metrics.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"arch": "single_task"}, "an architecture that shares"),
        ({"seeds": 1}, "two seeds or more"),
        ({"data": [1, 2]}, "must be a pandas.DataFrame"),
        ({"data": {"a": [1, 2], "b": [1]}}, "columns of one length"),
        ({"data": {"a": np.ones((2, 3)), "b": [1, 0]}}, "a cell for each row"),
        ({"targets": {"sick": "binary", "age": "count"}}, "must name columns that are there"),
    ],
)
def test_what_cannot_be_compared_is_said(frame, tmp_path, wrong, said):
    given = {"data": frame, "targets": TARGETS, "folder": tmp_path / "c", **wrong}
    with pytest.raises(Problem, match=said):
        mtl_cli.compare(**given)


def test_objects_of_several_kinds_are_as_they_are_written():
    table = arrow_table("x", pd.DataFrame({"a": [1, "b", None], 3: [1.5, float("nan"), 2]}))
    assert table.to_pydict() == {"a": ["1", "b", None], "3": [1.5, None, 2]}
    with pytest.raises(Problem, match="a twice"):
        arrow_table("x", pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_rows_are_held_while_the_block_lasts():
    with held({"a": {"x": [1]}}):
        with held({"b": {"x": [2]}}):
            assert sorted(HELD) == ["a", "b"]
        assert sorted(HELD) == ["a"]
    assert not HELD


def test_help_shows_what_there_is():
    assert {"compare", "load_run", "program_inputs", "train"} <= set(dir(mtl_cli))
    assert "compare(data, targets, arch)" in mtl_cli.__doc__


def test_groups_of_different_sizes_are_one_data_set_when_each_seed_deals_them(frame, tmp_path):
    """So that a comparison by patients has a verdict over all seeds."""
    sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14]
    patients = np.repeat(np.arange(len(sizes)), sizes)
    words = ["trainer.max_epochs=1", *QUICK, "dataset.split={by: group, column: patient}"]
    data = frame.assign(patient=patients)
    answer = mtl_cli.compare(data, TARGETS, seeds=3, words=words, folder=tmp_path / "c")
    (verdict,) = answer.verdicts
    assert "over 3 seeds" in verdict or "nothing was learned" in verdict


@pytest.mark.parametrize(
    ("wrong", "offered"),
    [
        ({"targets": ["ill", "age"]}, "compare(data, {'ill': 'binary', 'age': 'regression'})"),
        ({"targets": {"ill": "binary"}}, "train(['dataset.targets={ill:binary}'], data=data)"),
        ({"arch": ["mmo", "hp"], "words": ["lr=0.1"]}, "arch=['mmoe', 'hps'], seeds=5, words="),
        ({"targets": TARGETS | {"ill": "regression"}}, "(data, {'ill': 'binary', 'age': 'regr"),
    ],
)
def test_python_is_offered_python(frame, tmp_path, monkeypatch, wrong, offered):
    monkeypatch.setattr(sys, "argv", ["-"])
    given = {"data": frame, "targets": TARGETS, "folder": tmp_path / "c", **wrong}
    with pytest.raises(Problem) as error:
        mtl_cli.compare(**given)
    assert offered in error.value.fix


def test_a_call_that_is_mistyped_is_offered_whole(frame, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["-"])
    with pytest.raises(Problem) as error:
        mtl_cli.train(["targets={ill: binary}", "lr=1"], data=frame)
    call = "mtl_cli.train(['dataset.targets={ill: binary}', 'optimizer.lr=1'], data=...)"
    assert error.value.fix == call


def test_rows_of_no_file_have_no_file_and_wrong_ones_are_told(frame, run):
    trained = mtl_cli.load_run(run)
    rows = frame.drop(columns=["ill", "age"]).head(2)
    assert list(trained.predict(rows).columns) == ["row", "ill", "p(ill=yes)", "age"]
    with pytest.raises(Problem, match=r"by name: height, kind[\s\S]*DataFrame\(array, columns="):
        trained.predict(rows.to_numpy())
    with pytest.raises(Problem, match=r"to_frame\(\)"):
        trained.predict(rows["height"])
    with pytest.raises(Problem, match=r"found: kind\n  try:   a file with kind, too"):
        trained.predict(rows.drop(columns="kind"))  # no other column is free: height is an input
    with pytest.raises(Problem, match=r"try:   knd in its place"):
        trained.predict(rows.rename(columns={"kind": "knd"}))
    assert len(repr(trained)) < 200 + len(str(run))


def test_a_comparison_is_short_and_its_folder_means_its_best_run(frame, tmp_path):
    words = ["trainer.max_epochs=1", *QUICK]
    answer = mtl_cli.compare(frame, TARGETS, seeds=2, words=words, folder=tmp_path / "c")
    assert len(repr(answer)) < 200 + len(str(tmp_path))
    assert "arch=hps: not enough runs to say" in repr(answer)
    text = " ".join(str(answer).split())
    assert (
        "mtl_cli.compare(data, {'ill': 'binary', 'age': 'regression'}, arch='hps', seeds=3" in text
    )
    assert "mtl-train" not in text
    assert mtl_cli.load_run(answer.folder).folder.path.parent == answer.folder
