"""A run that ends at any moment goes on to the bit: tried at every moment that a file changes.

Whatever kills a run, its folder is what it was at that moment. So a run that nothing disturbs is
watched: before every change of a file, and in the middle of every row that is added, its folder
is copied. Each copy is what a kill at that moment leaves, and is resumed.
"""

import errno
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.disk import checkpoint, writing
from mtl_cli.run import show, summary

PATH = Path(__file__).parent.parent / "scripts" / "killed" / "trainings.py"
spec = importlib.util.spec_from_file_location("trainings", PATH)
trainings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(trainings)
same = trainings.same


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what takes time and has no part in a resume."""
    monkeypatch.setattr(os, "fsync", lambda number: None)
    monkeypatch.setattr(show, "draw_curves", lambda *args: None)
    monkeypatch.setattr("mtl_cli.diagnostic.conflict.save_picture", lambda *args: None)
    monkeypatch.setattr(summary, "git_state", lambda: None)


def watch(patch: pytest.MonkeyPatch, before: Callable[[Path, str], None]) -> None:
    """Calls ``before`` with the file and what is added to it, each time that a file changes."""
    replace, truncate, append = os.replace, os.truncate, writing.append_text

    def replaced(source: Path, path: Path) -> None:
        before(Path(path), "")
        replace(source, path)

    def truncated(path: Path, length: int) -> None:
        before(Path(path), "")
        truncate(path, length)

    def appended(path: Path, text: str) -> None:
        before(Path(path), text)
        append(path, text)

    patch.setattr(os, "replace", replaced)
    patch.setattr(os, "truncate", truncated)
    patch.setattr(writing, "append_text", appended)


def moments(folder: Path, copies: Path, run: Callable[[], object]) -> list[Path]:
    """The folder as it was at every moment of a run that changes it."""
    found: list[Path] = []

    def copy() -> Path:
        found.append(copies / str(len(found)))
        shutil.copytree(folder, found[-1])
        return found[-1]

    def before(path: Path, added: str) -> None:
        copy()
        if added:
            with open(copy() / path.name, "a") as file:
                file.write(added[: len(added) // 2])

    with pytest.MonkeyPatch.context() as patch:
        watch(patch, before)
        run()
    return found


def train(folder: Path, *words: str, kind: str = "plain") -> dict:
    trainings.write_data(folder.parent)
    own = trainings.words_of(kind, folder.parent)
    return mtl_cli.train([f"hydra.run.dir={folder}", *own, *words])


@pytest.mark.parametrize("kind", trainings.KINDS)
def test_a_run_killed_at_any_moment_goes_on_to_the_bit(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    copies = moments(folder, tmp_path / "copies", lambda: train(folder, kind=kind))
    assert len(copies) > 20
    wrong = []
    for copy in copies:
        if (copy / "config.yaml").exists():  # before that there is no run
            mtl_cli.train([f"resume={copy}"])
            wrong += [said] if (said := trainings.unlike(copy, folder)) else []
    assert wrong == []


def test_a_resume_killed_at_any_moment_goes_on_to_the_bit(tmp_path: Path) -> None:
    train(tmp_path / "whole", "trainer.max_epochs=4")
    folder = tmp_path / "longer"
    train(folder, "trainer.max_epochs=2")
    longer = "trainer.max_epochs=4"
    copies = moments(
        folder, tmp_path / "copies", lambda: mtl_cli.train([f"resume={folder}", longer])
    )
    assert same(folder, tmp_path / "whole")
    assert len(copies) > 15
    for copy in copies:
        mtl_cli.train([f"resume={copy}", longer])
        assert same(copy, tmp_path / "whole"), copy.name


def test_a_run_asked_to_stop_whenever_it_adds_figures_goes_on_to_the_bit(tmp_path: Path) -> None:
    """Also at the end of an epoch that ``max_steps`` cut short, which a longer training goes on."""
    kind = "inside an epoch"
    train(tmp_path / "whole", kind=kind)
    for count in range(1, 100):
        folder, seen = tmp_path / str(count), 0

        def stop(path: Path, added: str, count: int = count) -> None:
            nonlocal seen
            in_steps = signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
            seen += in_steps and path.name == "metrics.csv"
            if seen == count:
                seen += 1
                signal.raise_signal(signal.SIGTERM)

        with pytest.MonkeyPatch.context() as patch:
            watch(patch, stop)
            try:
                train(folder, kind=kind)
                break
            except SystemExit as end:
                assert end.code == 128 + signal.SIGTERM  # noqa: PT017
        mtl_cli.train([f"resume={folder}"])
        assert trainings.unlike(folder, tmp_path / "whole") is None, count
    assert count > 5


def test_a_disk_that_is_full_at_any_moment_leaves_what_was_good(tmp_path: Path) -> None:
    """Every change of a file fails from the n-th on, for every n: clear words, whole files."""
    train(tmp_path / "whole")
    for count in range(1, 100):
        folder, seen = tmp_path / str(count), 0

        def refuse(path: Path, added: str, count: int = count) -> None:
            nonlocal seen
            seen += 1
            if seen >= count:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

        with pytest.MonkeyPatch.context() as patch:
            watch(patch, refuse)
            try:
                train(folder)
                break
            except Problem as error:
                assert "No space left on device" in str(error)  # noqa: PT017
        if (folder / "config.yaml").exists():
            mtl_cli.train([f"resume={folder}"])
            assert same(folder, tmp_path / "whole")
    assert count > 20


def test_twenty_processes_that_are_ended_go_on_to_the_bit() -> None:
    words = [sys.executable, PATH.parents[1] / "torture.py", "20", "0", "accumulate"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert int(re.fullmatch(r"survived (\d+) of \1", last)[1]) >= 20


def test_runs_of_two_processes_that_are_ended_go_on_to_the_bit() -> None:
    words = [sys.executable, PATH.parents[1] / "torture.py", "7", "0", "processes=2", "patience"]
    done = subprocess.run([*words, "one cache"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert int(re.fullmatch(r"survived (\d+) of \1", last)[1]) >= 7


def test_what_starts_two_processes_is_killed_at_each_moment_of_a_beginning() -> None:
    words = [sys.executable, PATH.parents[1] / "torture.py", "10", "0", "processes=2", "beginning"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "survived 10 of 10"


def test_what_ends_otherwise_is_seen(tmp_path: Path) -> None:
    train(tmp_path / "whole", "trainer.max_epochs=1")
    assert trainings.unlike(tmp_path / "whole", tmp_path / "whole") is None
    for number, name in enumerate(["metrics.csv", "summary.json", "checkpoints/last.pt"]):
        other = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", other)
        if name == "metrics.csv":
            (other / name).write_text((other / name).read_text() + "2\n")
        elif name == "summary.json":
            text = (other / name).read_text()
            (other / name).write_text(text.replace('"steps": 3', '"steps": 4'))
        else:
            state = checkpoint.load(other / name)
            state["generators"]["torch"][0] += 1
            checkpoint.save(other / name, state)
        what = {"summary.json": "steps", "checkpoints/last.pt": "last.pt"}.get(name, name)
        said = f"ends otherwise: {{'.': ['{what}']}}"
        assert trainings.unlike(other, tmp_path / "whole") == said
    shutil.copy(tmp_path / "whole/config.yaml", tmp_path / "whole/.part_1_config.yaml")
    assert "left: .part" in trainings.unlike(tmp_path / "whole", tmp_path / "0")
