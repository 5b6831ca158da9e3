"""A job of a sweep is one line, whatever it shows when it is alone."""

import logging
import sys
from pathlib import Path

import pytest

import mtl_cli.run.show
import mtl_cli.train
from mtl_cli.basis.errors import problem
from mtl_cli.command_line.job_line import begins_no_job, failed_line, figures, finished_line
from mtl_cli.disk.logs import QuietHandler


def test_a_line_has_the_words_of_the_job_alone_and_the_figures_of_val() -> None:
    best = {"a": {"loss": 0.5, "mse": 0.25}, "b": {"loss": 1.5, "f1": float("nan")}}
    said = {"best": best, "metrics": {"a": {"mse": {}}, "b": {"f1": {}}}}
    line = finished_line(7, ["arch=hps", "seed=1"], said, 2.06)
    assert line == "#7    arch=hps seed=1  val loss 2.0000, a/mse 0.2500  2.1 s"
    many = {f"t{n}": {"loss": 1.0} for n in range(9)}
    assert figures({"train": many}).endswith("t3/loss 1.0000, 5 more tasks")


def test_a_line_of_a_job_that_failed_holds_its_error() -> None:
    error = problem("seed", "must be whole", 0.5, "seed=0")
    assert failed_line(0, ["seed=0.5"], error).startswith(
        "#0    seed=0.5  failed\n    seed must be"
    )
    assert "KeyError: 'x'" in failed_line(0, [], KeyError("x"))


def test_a_sweep_prints_a_line_a_job_and_keeps_the_rest(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mtl_cli.run.show, "draw_curves", lambda *args: None)
    monkeypatch.setattr(mtl_cli.train, "report", lambda words, resumed: None)
    quick = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=2"]
    words = ["--multirun", "optimizer.lr=0.01,-1", *quick, "hydra.sweep.dir=s"]
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    with pytest.raises(SystemExit):
        mtl_cli.train.main()
    first, second, *error = capsys.readouterr().out.strip().splitlines()[-6:]
    assert first.startswith("#0    optimizer.lr=0.01  val loss ")
    assert second == "#1    optimizer.lr=-1  failed"
    assert error[0].startswith("    optimizer must be")
    assert "epoch 2/2" in Path("s/0/train.log").read_text()


def test_warnings_of_a_quiet_run_are_said_once(capsys, monkeypatch) -> None:
    monkeypatch.setattr(QuietHandler, "said", set())
    for level in (logging.INFO, logging.WARNING, logging.WARNING):
        QuietHandler().emit(logging.LogRecord("a", level, "", 0, "odd", None, None))
    assert capsys.readouterr().out == "odd\n"
    assert not begins_no_job(logging.LogRecord("a", 20, "", 0, "\t#0 : seed=1", None, None))
