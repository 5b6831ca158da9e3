"""Processes that a run starts itself: how they are ended, what is said, and that none is left."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import mtl_cli.train
from mtl_cli.basis.errors import Problem

SMALL = ["dataset.num_samples=100", "dataset.batch_size=7", "encoder.hidden=[4]", "optimizer=sgd"]
SMALL += ["trainer.max_epochs=2", "pictures.curves=false"]
TWO = "runtime.processes=2"
FAULTY = """
import os
import signal
import torch

class Loss(torch.nn.MSELoss):
    calls = 0

    def forward(self, output, target):
        Loss.calls += self.training
        if (Loss.calls, os.environ.get("RANK")) == (14, "1"):
            os.kill(eval(os.environ["WHOM"]), signal.Signals[os.environ["WHICH"]])
        return super().forward(output, target)
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch) -> list[str]:
    """The words of a training of which process 1, in its second epoch, sends a signal."""
    (tmp_path / "faulty_loss.py").write_text(FAULTY)
    found = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, found)))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return [*SMALL, TWO, "tasks.sin.loss._target_=faulty_loss.Loss"]


@pytest.fixture(autouse=True)
def left(monkeypatch):
    """Of every test: processes and handlers of signals are afterwards what they were."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = psutil.Process().children(), [signal.getsignal(number) for number in numbers]
    yield
    assert before == (psutil.Process().children(), [signal.getsignal(n) for n in numbers])


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    mtl_cli.train.main()


def test_a_process_that_is_killed_is_named(tmp_path, faulty, monkeypatch):
    monkeypatch.setenv("WHOM", "os.getpid()")
    monkeypatch.setenv("WHICH", "SIGKILL")
    with pytest.raises(Problem, match=r"process 1 .*\n  found: killed by signal 9 \(SIGKILL\)"):
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *faulty])
    assert summary(tmp_path / "run")["status"] == "failed"


def test_a_hang_up_of_what_started_them_stops_them(tmp_path, faulty, monkeypatch, capfd):
    monkeypatch.setenv("WHOM", "os.getppid()")
    monkeypatch.setenv("WHICH", "SIGHUP")
    folder = tmp_path / "run"
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, f"hydra.run.dir={folder}", *faulty)
    assert ended.value.code == 128 + signal.SIGHUP
    assert summary(folder)["status"] == "interrupted"
    said = "".join(capfd.readouterr())
    assert said.count("interrupted; to go on: mtl-train") == 1
    assert "Traceback" not in said


def test_what_all_of_them_find_is_said_once(tmp_path, monkeypatch, capfd):
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(40)) + "7,many\n")
    words = ["dataset=table", f"dataset.path={path}", "dataset.targets={y: regression}", TWO]
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, f"hydra.run.dir={tmp_path / 'run'}", *words)
    assert ended.value.code == 1
    said = "".join(capfd.readouterr())
    assert said.count("found:") == 1
    assert said.count("many") == 1
    assert "Traceback" not in said


def test_each_job_of_a_study_starts_its_own(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "study"
    words = ["study=baselines", "trainer=smoke", "seed=0", TWO, "pictures.curves=false"]
    command(monkeypatch, f"hydra.sweep.dir={folder}", "dataset.num_samples=40", *words)
    runs = sorted(path.parent for path in folder.rglob("summary.json"))
    assert runs == [folder / "0", folder / "single_task" / "0"]
    assert [summary(run)["processes"] for run in runs] == [2, 2]
    assert (folder / "report" / "report.md").is_file()
    assert "arch=single_task" in capfd.readouterr().out
