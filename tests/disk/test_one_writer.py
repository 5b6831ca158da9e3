"""A run folder has one writer: whoever comes second is told who holds it, and changes nothing."""

import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.disk.one_writer import HOLDER, one_writer

TINY = ["dataset.num_samples=40", "encoder.hidden=[4]", "trainer.max_epochs=1"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held") / "run"
    mtl_cli.train([f"hydra.run.dir={folder}", *TINY])
    return folder


def hold(folder: Path, ready: multiprocessing.Event) -> None:
    with one_writer(folder, unlock=False) as writer:
        writer.sign()
        ready.set()
        signal.pause()


def test_a_run_that_ended_is_held_by_nobody(run) -> None:
    assert not (run / HOLDER).exists()


def test_a_second_writer_is_told_who_the_first_is_and_changes_nothing(run) -> None:
    with one_writer(run, unlock=False) as writer:
        writer.sign()
        before = content(run)
        with pytest.raises(Problem, match=f"held by process {os.getpid()}, host "):
            mtl_cli.train([f"resume={run}", "trainer.max_epochs=2"])
        assert content(run) == before
    assert not (run / HOLDER).exists()


def test_one_that_was_killed_is_taken_over(tmp_path) -> None:
    fork = multiprocessing.get_context("spawn")
    ready = fork.Event()
    process = fork.Process(target=hold, args=(tmp_path, ready))
    process.start()
    assert ready.wait(60)
    with pytest.raises(Problem, match=f"process {process.pid}"), one_writer(tmp_path, False):
        pass
    process.kill()
    process.join()
    assert (tmp_path / HOLDER).exists()
    with one_writer(tmp_path, unlock=False) as writer:
        writer.sign()
    assert not (tmp_path / HOLDER).exists()


def test_one_on_another_machine_is_taken_over_by_an_explicit_word_alone(run) -> None:
    said = {"host": "elsewhere", "process": 1, "started": "then", "since": "then"}
    (run / HOLDER).write_text(json.dumps(said))
    with pytest.raises(Problem, match="host elsewhere") as error:
        mtl_cli.train([f"resume={run}", "trainer.max_epochs=2"])
    assert "unlock=true" in str(error.value)
    mtl_cli.train([f"resume={run}", "trainer.max_epochs=2", "unlock=true"])
    assert not (run / HOLDER).exists()
