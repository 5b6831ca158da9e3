"""Objectives that are mistyped: the whole list is offered, nothing trains, and nothing is left."""

import json
import sys
from pathlib import Path

import pytest

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.unbegun import is_unbegun
from mtl_cli.training.wish import check_wish

QUICK = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=1", "device=cpu"]
QUICK += ["pictures.curves=false", "pictures.metrics=false", "hydra.sweep.dir=s", "seed=0,1"]
SEARCH = ["study=tune", "study.trials=1", "study.settings=[]"]
FIGURES = ["sin/loss", "sin/mse", "cos/mse", "cos/bias"]


def run(*words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mtl-train", *words])
        mtl_cli.train.main()


@pytest.mark.parametrize(
    ("wish", "offered"),
    [
        (["sin/msee", "cos/mse"], "'objective=[sin/mse,cos/mse]'"),
        (["loss", "sin/msee", "cos/mes"], "'objective=[loss,sin/mse,cos/mse]'"),
        (
            ["cos/mse", {"sin/msee": 2, "cos/mse": 1}],
            "'objective=[cos/mse,{sin/mse: 2, cos/mse: 1}]'",
        ),
        (["cos/bias", "cos/mse"], "'objective=[sin/loss,cos/mse]'"),
        (["xyz", "cos/mse"], "objective=loss"),
        (["los"], "'objective=[loss]'"),
    ],
)
def test_what_is_offered_for_a_figure_keeps_the_others(wish, offered) -> None:
    directed = {"sin/mse": True, "cos/mse": True, "cos/bias": False}
    found = []
    for one in wish:
        try:
            check_wish("objective", one, FIGURES, directed, wish)
        except Problem as error:
            found.append(error.fix)
    assert {*found} == {offered}


@pytest.mark.parametrize("kind", [SEARCH, ["--multirun"]])
def test_a_sweep_that_could_not_begin_can_be_put_right_in_its_folder(
    tmp_path: Path, monkeypatch, capsys, kind
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(mtl_cli.__file__).parents[1]))
    with pytest.raises(SystemExit):
        run(*kind, *QUICK, "objective=[sin/msee,cos/mse]")
    said = capsys.readouterr()
    assert "'objective=[sin/mse,cos/mse]'" in said.err
    assert "no report" not in said.err
    assert not Path("s").exists()
    run(*kind, *QUICK, "objective=[sin/mse,cos/mse]")
    assert "no single best run: what is best in several figures" in capsys.readouterr().out
    assert Path("s/0/summary.json").is_file()


def test_what_has_trained_or_is_not_ours_stays(tmp_path: Path) -> None:
    job = tmp_path / "0"
    job.mkdir()
    (tmp_path / "sweep.json").touch()
    assert not is_unbegun(tmp_path)
    (job / "train.log").touch()
    assert not is_unbegun(tmp_path)  # killed: it goes on
    (job / "summary.json").write_text(json.dumps({"status": "failed"}))
    assert is_unbegun(tmp_path)
    for other in (job / "metrics.csv", tmp_path / "notes.txt"):
        other.touch()
        assert not is_unbegun(tmp_path)
        other.unlink()
    (job / "summary.json").write_text(json.dumps({"status": "interrupted"}))
    assert not is_unbegun(tmp_path)


@pytest.mark.parametrize("mistyped", ["sed=0,1", "optimzer.lr=0.1,0.2"])
def test_a_sweep_of_which_no_job_can_be_composed_leaves_nothing(
    mistyped, tmp_path, monkeypatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run("study=baselines", "trainer=smoke", mistyped)
    said = capfd.readouterr().err
    assert "try: " in said
    assert "no report" not in said
    assert not [own for own in tmp_path.rglob("*") if own.is_file()]
