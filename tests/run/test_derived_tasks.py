"""The entire space model of conversions in five words, from training to predictions."""

import numpy as np
import pandas
import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.remarks import towers
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict

N = 400
TARGETS = (
    "dataset.targets={ctr: {kind: binary, column: click}, ctcvr: {kind: binary, column: "
    "conversion}, cvr: {kind: binary, column: conversion, where: ctr}}"
)
ESMM = ["tasks.ctcvr=product", "tasks.ctcvr.of=[ctr,cvr]", "tasks.cvr.loss=none"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A command line on a table of impressions."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(N, 3))
    click = draw.random(N) < 1 / (1 + np.exp(-2 * x[:, 0]))
    data = pandas.DataFrame(x.round(3), columns=["x", "y", "z"]).assign(click=click.astype(int))
    data["conversion"] = (click & (draw.random(N) < 1 / (1 + np.exp(-2 * x[:, 1])))).astype(int)
    path = tmp_path_factory.mktemp("clicks") / "clicks.csv"
    data.to_csv(path, index=False)
    quick = ["encoder.hidden=[8]", "pictures.curves=false", "pictures.metrics=false", "device=cpu"]
    own = ["dataset=table", f"dataset.path={path}", "dataset.reference=0", "trainer.max_epochs=2"]
    return [*own, *quick, TARGETS]


@pytest.fixture(scope="module")
def run(words, tmp_path_factory):
    folder = tmp_path_factory.mktemp("esmm") / "run"
    return folder, mtl_cli.train([*words, *ESMM, f"hydra.run.dir={folder}"])


def test_a_task_without_a_loss_is_measured(run):
    folder, summary = run
    assert set(summary["train"]) == {"ctr", "ctcvr"}
    assert "loss" not in summary["test"]["cvr"]
    assert 0 < summary["test"]["cvr"]["auroc"] < 1
    losses = summary["test"]["ctr"]["loss"] + summary["test"]["ctcvr"]["loss"]
    assert summary["loss"]["test"] == pytest.approx(losses)
    assert {"auroc", "log_loss", "calibration"} < set(summary["test"]["ctcvr"])
    assert "towers" not in summary
    rows = pandas.read_csv(folder / "metrics.csv")
    assert {*rows.metric[rows.task == "cvr"]} == {"accuracy", "f1", "auroc"}
    assert "cvr val (accuracy" in (folder / "train.log").read_text()


def test_an_evaluation_and_predictions_have_all_three(run, words, tmp_path):
    folder, summary = run
    assert evaluate([f"run={folder}"])["figures"] == summary["test"]
    path = words[1].removeprefix("dataset.path=")
    predict([f"run={folder}", f"input={path}", f"out={tmp_path / 'p.csv'}"])
    found = pandas.read_csv(tmp_path / "p.csv")
    product = found["p(ctr=1)"] * found["p(cvr=1)"]
    np.testing.assert_allclose(found["p(ctcvr=1)"], product, rtol=1e-5)


def test_a_resumed_run_ends_as_one_that_was_not_stopped(run, words, tmp_path):
    _, whole = run
    half = [*words, *ESMM, f"hydra.run.dir={tmp_path / 'half'}", "trainer.max_epochs=1"]
    mtl_cli.train([*half, "scheduler=none"])
    found = mtl_cli.train([f"resume={tmp_path / 'half'}", "trainer.max_epochs=2"])
    assert found["test"] == whole["test"]


def test_single_task_says_that_towers_are_trained_together(words, tmp_path):
    folder = tmp_path / "run"
    more = ["arch=single_task", "weighting=upgrad", f"hydra.run.dir={folder}"]
    summary = mtl_cli.train([*words, *ESMM, *more])
    assert summary["towers"] == [["ctr", "cvr", "ctcvr"]]
    said = "ctr, cvr, ctcvr are trained together"
    assert said in (folder / "train.log").read_text()
    (remark,) = towers([read_run(folder)])
    assert remark.startswith(said)


def test_a_tower_imputes_and_is_neither_measured_nor_predicted(words, tmp_path):
    """Also where a step is several batches, and on all rows of an evaluation."""
    folder = tmp_path / "run"
    robust = ["tasks.cvr.loss=escm_dr", "tasks.cvr.loss.propensity=ctr"]
    robust += ["tasks.cvr.loss.imputation=error", "tasks.error=tower"]
    more = ["trainer.accumulate=2", "weighting=upgrad", f"hydra.run.dir={folder}"]
    summary = mtl_cli.train([*words, *ESMM[:2], *robust, *more])
    assert set(summary["train"]) == set(summary["test"]) == {"ctr", "cvr", "ctcvr"}
    assert "loss" not in summary["floor"]["cvr"]  # which imputes nothing
    assert evaluate([f"run={folder}"])["figures"] == summary["test"]
    path = words[1].removeprefix("dataset.path=")
    predict([f"run={folder}", f"input={path}", f"out={tmp_path / 'p.csv'}"])
    found = pandas.read_csv(tmp_path / "p.csv")
    assert not any("error" in column for column in found.columns)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["tasks.ctcvr=product", "tasks.ctcvr.of=[ctr,ctcvr]"], "a circle: ctcvr -> ctcvr"),
        (["tasks.ctcvr=product", "tasks.ctcvr.of=[ctr,cvr]", "tasks.cvr=regression"],
         "cvr, a regression"),
        (["tasks.all=product", "tasks.all.of=[ctr,cvr]"], r"'dataset\.targets\.all=\{kind: "),
        ([f"tasks.{task}.loss=none" for task in ("ctr", "cvr", "ctcvr")], "no loss that trains"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused(words, tmp_path, more, said):
    with pytest.raises(Problem, match=said):
        mtl_cli.train([*words, *more, f"hydra.run.dir={tmp_path / 'run'}"])


def test_a_circle_is_refused_before_the_data_is_read(tmp_path):
    words = ["dataset=table", "dataset.path=none.csv", TARGETS, f"hydra.run.dir={tmp_path / 'r'}"]
    with pytest.raises(Problem, match="a circle"):
        mtl_cli.train([*words, "tasks.ctcvr=product", "tasks.ctcvr.of=[ctr,ctcvr]"])
