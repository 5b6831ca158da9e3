"""The folder of a run that the user named: taken, and said."""

import json
from pathlib import Path
from types import SimpleNamespace

import mtl_cli
from mtl_cli.command_line.fresh import fresh_folder

QUICK = ["trainer=smoke", "pictures.curves=false", "pictures.metrics=false", "device=cpu"]


def test_a_named_folder_that_is_taken_is_said_at_the_start(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    first = mtl_cli.train(["hydra.run.dir=arr", *QUICK])
    assert "WARNING     arr" not in capsys.readouterr().err
    mtl_cli.train(["hydra.run.dir=arr", "seed=1", *QUICK])
    said = "WARNING     arr is there already: this run is in arr_2, and arr stays as it was\n"
    assert capsys.readouterr().err.startswith(said)
    assert json.loads(Path("arr/summary.json").read_text())["seed"] == first["seed"] == 0
    assert json.loads(Path("arr_2/summary.json").read_text())["seed"] == 1


def test_a_second_run_of_one_second_is_nothing_to_say(tmp_path, capsys) -> None:
    """Nobody has named their folder, and takes the other for it."""
    run, overrides = SimpleNamespace(dir=str(tmp_path / "12-00-00")), SimpleNamespace(hydra=[])
    hydra = SimpleNamespace(run=run, overrides=overrides)
    assert fresh_folder(hydra) == tmp_path / "12-00-00"
    assert fresh_folder(hydra) == tmp_path / "12-00-00_2"
    assert capsys.readouterr().err == ""
