"""A regression of several numbers, and labels of several columns: against numbers by hand."""

import csv

import numpy as np
import pandas
import pytest
import torch

import mtl_cli.train
from mtl_cli import load_run
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.columns.labels import flags
from mtl_cli.evaluate import evaluate

N = 90
COLUMNS = ["x", "y", "z"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Three numbers of very different size, some of them missing."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, N))
    pose = np.stack([a, 1000 + 100 * b, 1e-3 * (a - b)], 1)
    pose[rng.random((N, 3)) < 0.2] = np.nan
    frame = pandas.DataFrame(pose, columns=COLUMNS)
    frame = frame.assign(a=a, b=b, split=["train"] * 60 + ["val"] * 15 + ["test"] * 15)
    path = tmp_path_factory.mktemp("table") / "t.csv"
    frame.to_csv(path, index=False)
    return path, frame


def words(path, *more, targets="{pose: {kind: regression, columns: [x, y, z]}}"):
    return [
        *("dataset=table", f"dataset.path={path}", f"dataset.targets={targets}"),
        *("dataset.split={by: column, column: split}", "trainer.max_epochs=3", *more),
    ]


def test_each_number_is_scaled_by_its_own_train_rows_and_missing_ones_count_nothing(table):
    path, frame = table
    run = path.parent / "run"
    summary = mtl_cli.train([*words(path), f"hydra.run.dir={run}"])
    predicted = load_run(run).predict(path)[[f"pose_{name}" for name in COLUMNS]].to_numpy()
    labels, train = frame[COLUMNS].to_numpy(), frame["split"] == "train"
    at = (frame["split"] == "test").to_numpy()
    error = (predicted - labels)[at]
    assert summary["test"]["pose"]["mse"] == pytest.approx(np.nanmean(error**2), rel=1e-4)
    scale = np.nanstd(labels[train], axis=0)
    assert summary["test"]["pose"]["loss"] == pytest.approx(
        np.nanmean((error / scale) ** 2), rel=1e-4
    )
    mean = np.nanmean(labels[train], axis=0)
    floor = np.nanmean(((labels[at] - mean) / scale) ** 2)
    assert summary["floor"]["pose"]["loss"] == pytest.approx(floor, rel=1e-4)
    assert summary["reference"]["pose"]["loss"] < floor
    for k, name in enumerate(COLUMNS):
        own, floor = (summary["numbers"][of]["pose"][name] for of in ("test", "floor"))
        mse, mae = np.nanmean(error[:, k] ** 2), np.nanmean(np.abs(error[:, k]))
        assert own == pytest.approx({"mse": mse, "mae": mae}, rel=1e-4)
        far = np.nanmean(np.abs(labels[at][:, k] - mean[k]))
        assert floor["mae"] == pytest.approx(far, rel=1e-4)
        assert summary["numbers"]["reference"]["pose"][name]["mse"] < floor["mse"]
    test = path.parent / "new.csv"
    frame[at].to_csv(test, index=False)
    again = evaluate([f"run={run}", f"input={test}"])
    mse = summary["test"]["pose"]["mse"]
    assert again["figures"]["pose"]["mse"] == pytest.approx(mse, rel=1e-5)
    assert again["numbers"]["pose"]["y"] == pytest.approx(
        summary["numbers"]["test"]["pose"]["y"], rel=1e-5
    )
    with open(path.parent / "run" / "train.log") as log:
        said = next(line for line in log if line.startswith("target pose"))
    assert f"y {labels[train][:, 1][~np.isnan(labels[train][:, 1])].min():g} to " in said


def test_a_text_has_several_numbers(tmp_path):
    rows = [(f"word{i % 4} text", i % 4, -(i % 3)) for i in range(60)]
    with open(tmp_path / "t.csv", "w") as file:
        csv.writer(file).writerows([("text", "x", "y"), *rows])
    source = f"{{path: {tmp_path}/t.csv, labels: {{pose: [x, y]}}}}"
    run = tmp_path / "run"
    mtl_cli.train(
        [
            *("dataset=text", f"dataset.sources={{s: {source}}}", "dataset.cache=false"),
            *("dataset.targets={pose: regression}", "trainer.max_epochs=1", f"hydra.run.dir={run}"),
        ]
    )
    assert {"pose_x", "pose_y"} <= set(load_run(run).predict(tmp_path / "t.csv"))


def test_as_many_outputs_as_the_data_has(table):
    path, _ = table
    with pytest.raises(Problem, match=r"tasks.x.num_outputs must be what the data has: 1"):
        mtl_cli.train(words(path, "tasks.x.num_outputs=3", targets="{x: regression}"))
    with pytest.raises(Problem, match=r"tasks.pose.num_outputs must be what the data has: 3"):
        mtl_cli.train(words(path, "tasks.pose.num_outputs=2"))


def test_several_columns_are_of_a_kind_that_has_several(table):
    path, _ = table
    with pytest.raises(Problem, match=r"(?s)regression or multilabel.*columns: \[x,y\]}'$"):
        mtl_cli.train(words(path, targets="{pose: {kind: binary, columns: [x, y]}}"))


def test_each_number_has_to_vary(table):
    path, frame = table
    frame.assign(y=1.0).to_csv(path.parent / "flat.csv", index=False)
    with pytest.raises(Problem, match=r"(?s)tasks.pose, column y, must vary.*'~tasks.pose'"):
        mtl_cli.train(words(path.parent / "flat.csv"))


@pytest.mark.parametrize(
    "cells",
    [
        ["0", "1", ""],
        ["0.0", "1.0", "NA"],
        ["False", "TRUE", "nan"],
        [0.0, 1.0, None],
        [False, True, None],
        [0.0, 1.0, float("nan")],
    ],
)
def test_a_flag_is_nought_or_one_however_it_is_written(cells):
    got = flags("t", {"a": cells, "b": cells[::-1]}, "row {}".format)
    expected = torch.tensor([[0, torch.nan], [1, 1], [torch.nan, 0]])
    torch.testing.assert_close(got, expected, equal_nan=True)


@pytest.mark.parametrize("cell", ["2", "yes", "0.5", "inf"])
def test_another_cell_is_no_flag(cell):
    with pytest.raises(Problem, match="must be 0 or 1"):
        flags("t", {"a": ["0", cell]}, "row {}".format)
