"""The command under torch's own launcher, as docs/scaling.md says to type it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest

import mtl_cli.train
from mtl_cli.disk import checkpoint

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
ONE = ["--standalone", "--nproc-per-node=2"]
SMALL = ["dataset.num_samples=100", "dataset.batch_size=7", "encoder.hidden=[4]", "optimizer=sgd"]
SMALL += ["optimizer.lr=0.05", "trainer.precision=64", "trainer.max_epochs=2"]
SMALL += ["pictures.curves=false"]
FAULTY = """
import os
import signal
import torch

class Loss(torch.nn.MSELoss):
    calls = 0

    def forward(self, output, target):
        Loss.calls += self.training
        fault = os.environ.get("FAULT")
        if (Loss.calls, os.environ["RANK"]) == (14, "1") and fault and not os.path.exists(fault):
            open(fault, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(output, target)
"""


@pytest.fixture
def places(tmp_path, monkeypatch) -> Path:
    """Where processes find a loss that kills its own once, where they are told to."""
    (tmp_path / "faulty_loss.py").write_text(FAULTY)
    found = [str(tmp_path), str(Path(mtl_cli.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(found))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def started(folder: Path, *words: str, fault: str = "") -> subprocess.Popen[str]:
    own = [*TORCHRUN, *words, "-m", "mtl_cli.train", f"hydra.run.dir={folder}"]
    own += [*SMALL, "tasks.sin.loss._target_=faulty_loss.Loss"]
    said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(own, env=os.environ | {"FAULT": fault}, **said)  # type: ignore


def test_a_killed_process_comes_back_and_the_end_is_that_of_a_run_without_a_kill(places):
    lives = [("killed", str(places / "was killed")), ("whole", "")]
    ran = [started(places / name, *ONE, "--max-restarts=1", fault=fault) for name, fault in lives]
    said = [one.communicate(timeout=120)[0] for one in ran]
    assert [one.returncode for one in ran] == [0, 0], said
    assert (places / "was killed").exists()
    assert sorted(path.name for path in places.glob("*/config.yaml")) == ["config.yaml"] * 2
    killed, whole = (places / name for name, _ in lives)
    assert "to go on" not in said[1]
    assert (killed / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    for name in ("best.pt", "last.pt"):
        one, other = (checkpoint.load(own / "checkpoints" / name) for own in (killed, whole))
        for key, value in one["model"].items():
            assert value.equal(other["model"][key])


def test_two_machines_make_what_one_process_makes(places):
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    words = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-id=7"]
    words += [f"--rdzv-endpoint=127.0.0.1:{port}", "--local-addr=127.0.0.1"]
    nodes = [started(places / "nodes", *words) for _ in range(2)]
    said = [one.communicate(timeout=120)[0] for one in nodes]
    assert [one.returncode for one in nodes] == [0, 0], said
    assert sorted(text.count("results     ") for text in said) == [0, 1]  # one of them says it all
    mtl_cli.train([*SMALL, f"hydra.run.dir={places / 'one'}"])
    one, other = (pandas.read_csv(places / name / "metrics.csv") for name in ("one", "nodes"))
    np.testing.assert_allclose(other["value"], one["value"], rtol=1e-10)
    summary = json.loads((places / "nodes" / "summary.json").read_text())
    assert (summary["status"], summary["processes"]) == ("completed", 2)
    assert not [*places.glob("nodes_*")]
