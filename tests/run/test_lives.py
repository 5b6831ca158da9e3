"""A run in several processes, from its start to every kind of end: one message, one checkpoint."""

import importlib.util
import json
import os
import pickle
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import psutil
import pytest

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.disk import checkpoint
from mtl_cli.run.announce import shares
from mtl_cli.run.leading import FAREWELL, dismiss, leading
from mtl_cli.run.meeting import store
from mtl_cli.run.serve import serve
from mtl_cli.training.updates import Updates

SPEC = importlib.util.spec_from_file_location("several", Path(__file__).parent / "several.py")
assert SPEC is not None
assert SPEC.loader is not None
several: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(several)
SMALL = ["dataset.num_samples=100", "dataset.batch_size=7", "encoder.hidden=[4]", "optimizer=sgd"]
SMALL += [
    "optimizer.lr=0.05",
    "trainer.precision=64",
    "trainer.max_epochs=2",
    "pictures.curves=false",
]
NEVER = (0, 0, "")  # process, step, what happens there


@pytest.fixture(scope="module")
def pool():
    own = several.Pool(3, __file__)
    yield own
    own.close()


def happens(what: str) -> None:
    if what == "no memory":
        raise MemoryError("no room for 7 GiB")
    if what:
        os.kill(os.getpid(), signal.Signals[what])


def life(rank: int, size: int, port: int, words: list[str], fault: tuple[int, int, str]) -> Any:
    """What a process of so many says of a run, in one of which something happens at a step."""
    said = {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    take = Updates.take

    def taken(self: Updates, *args: Any) -> None:
        if (rank, self.step + 1) == fault[:2]:
            happens(fault[2])
        take(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in said.items():
            patch.setenv(name, str(value))
        patch.setattr(Updates, "take", taken)
        store.cache_clear()
        try:
            if rank:
                return serve()
            with leading():
                return mtl_cli.train(words)["status"]
        except SystemExit as ended:
            return ended.code
        except Problem as error:
            dismiss(FAREWELL)  # else this process has to end, with which a launcher ends the others
            return str(error)


def lived(pool: Any, size: int, words: list[str], fault: tuple[int, int, str] = NEVER) -> list[Any]:
    """What each process says."""
    port = several.free_port()
    for rank, order in enumerate(pool.orders[:size]):
        args = (rank, size, port, words, fault)
        order.send_bytes(pickle.dumps((0, 1, port, __file__, "life", args)))
    found = [pickle.loads(order.recv_bytes()) for order in pool.orders[:size]]
    assert all(ok for ok, _ in found), found
    return [said for _, said in found]


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def test_resumed_by_two_then_three_then_one_it_is_what_one_process_makes(pool, tmp_path):
    """A signal to any process stops all after the same step, with one checkpoint."""
    mtl_cli.train([*SMALL, f"hydra.run.dir={tmp_path / 'whole'}"])
    folder = tmp_path / "parts"
    words = [*SMALL, f"hydra.run.dir={folder}"]
    assert lived(pool, 2, words, (1, 4, "SIGTERM")) == [143, 143]
    assert (summary(folder)["status"], summary(folder)["steps"]) == ("interrupted", 4)
    assert summary(folder)["processes"] == 2
    assert lived(pool, 3, [f"resume={folder}"], (0, 13, "SIGINT")) == [130, 130, 130]
    assert (summary(folder)["processes"], summary(folder)["steps"]) == (3, 13)
    mtl_cli.train([f"resume={folder}"])
    assert summary(folder)["processes"] == 1
    one, other = (pandas.read_csv(tmp_path / n / "metrics.csv") for n in ("whole", "parts"))
    np.testing.assert_allclose(other["value"], one["value"], rtol=1e-10)
    assert one.drop(columns="value").equals(other.drop(columns="value"))


def test_what_fails_in_one_process_ends_all_with_its_words(pool, tmp_path):
    folder = tmp_path / "run"
    said = lived(pool, 2, [*SMALL, f"hydra.run.dir={folder}"], (1, 12, "no memory"))
    words = "process 1 must train along.\n  found: MemoryError: no room for 7 GiB"
    assert words in said[0]
    assert checkpoint.load(folder / "checkpoints" / "last.pt")["step"] == 10
    assert summary(folder)["status"] == "failed"
    assert words in summary(folder)["error"]
    assert "in happens" in (folder / "train.log").read_text()


FAULTY = """
import os
import signal
import torch

class Loss(torch.nn.MSELoss):
    calls = 0

    def forward(self, output, target):
        Loss.calls += self.training
        if (Loss.calls, os.environ.get("RANK")) == (14, "1"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(output, target)
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch) -> list[str]:
    """The words of a training of which process 1 is killed in its second epoch."""
    (tmp_path / "faulty_loss.py").write_text(FAULTY)
    found = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, found)))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return [*SMALL, "tasks.sin.loss._target_=faulty_loss.Loss"]


def test_a_process_that_is_killed_is_named_and_nothing_is_left_of_the_others(tmp_path, faulty):
    before = psutil.Process().children()
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    words = [f"hydra.run.dir={tmp_path / 'run'}", *faulty, "runtime.processes=2"]
    with pytest.raises(Problem, match=r"process 1 .*\n  found: killed by signal 9 \(SIGKILL\)"):
        mtl_cli.train(words)
    assert psutil.Process().children() == before
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert summary(tmp_path / "run")["status"] == "failed"


def test_the_start_says_how_a_batch_is_shared_out():
    assert shares(2, 128) == "2, each with 64 of the 128 examples of a batch"
    assert shares(3, 128) == "3, each with 42 or 43 of the 128 examples of a batch"
