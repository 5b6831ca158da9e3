"""A run in several processes, from its start to every kind of end: one message, one checkpoint."""

import errno
import importlib.util
import json
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.disk import checkpoint, writing
from mtl_cli.processes.leading import FAREWELL, dismiss, leading
from mtl_cli.processes.meeting import store
from mtl_cli.run.announce import shares
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


def refused(*args: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def happens(what: str, patch: pytest.MonkeyPatch) -> None:
    if what == "full disk":  # from now on
        patch.setattr(os, "replace", refused)
        patch.setattr(writing, "append_text", refused)
        return
    if what == "no memory":
        raise MemoryError("no room for 7 GiB")
    if what:
        os.kill(os.getpid(), signal.Signals[what])


def life(rank: int, size: int, port: int, words: list[str], fault: tuple[int, int, str]) -> Any:
    """What a process of so many says of a run, in one of which something happens at a step."""
    said = {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    take = Updates.take

    def taken(self: Updates, *args: Any) -> int:
        if (rank, self.step + 1) == fault[:2]:
            happens(fault[2], patch)
        return take(self, *args)

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
            if rank and ended.code == 1:
                os.environ[several.LAST] = "1"
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
    found = pool.answers(size)
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


def test_what_fails_in_one_process_ends_all_with_its_words(tmp_path):
    folder = tmp_path / "run"
    pool = several.Pool(2, __file__)  # one of them ends
    said = lived(pool, 2, [*SMALL, f"hydra.run.dir={folder}"], (1, 12, "no memory"))
    words = "process 1 must train along.\n  found: MemoryError: no room for 7 GiB"
    pool.close()
    assert words in said[0]
    assert checkpoint.load(folder / "checkpoints" / "last.pt")["step"] == 10
    assert summary(folder)["status"] == "failed"
    assert words in summary(folder)["error"]
    assert "in happens" in (folder / "train.log").read_text()


def test_a_disk_that_fills_is_said_once_and_the_run_goes_on_to_the_end(pool, tmp_path):
    folder = tmp_path / "run"
    first, _ = lived(pool, 2, [*SMALL, f"hydra.run.dir={folder}"], (0, 12, "full disk"))
    assert first.count("found:") == 1
    assert "No space left on device" in first
    assert "more room on that disk, then the command again" in first
    assert not [*folder.rglob(".part_*")]
    assert lived(pool, 2, [f"resume={folder}"]) == ["completed", None]
    whole = tmp_path / "whole"
    assert lived(pool, 2, [*SMALL, f"hydra.run.dir={whole}"]) == ["completed", None]
    assert (folder / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()


def test_the_start_says_how_a_batch_is_shared_out():
    assert shares(2, 128) == "2, each with 64 of the 128 examples of a batch"
    assert shares(3, 128) == "3, each with 42 or 43 of the 128 examples of a batch"
