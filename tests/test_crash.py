"""A run that ends at any moment goes on to the bit: tried at every moment that a file changes.

Whatever kills a run, its folder is what it was at that moment. So a run that nothing disturbs is
watched: before every change of a file, and in the middle of every row that is added, its folder
is copied. Each copy is what a kill at that moment leaves, and is resumed.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import mtl_cli.train
from mtl_cli import checkpoint, session, summary, writing
from mtl_cli.errors import Problem
from mtl_cli.run_folder import RunFolder

TINY = ["dataset.num_samples=40", "dataset.batch_size=10", "encoder.hidden=[4]", "optimizer.lr=0.3"]
TINY += ["trainer.max_epochs=3", "encoder.dropout=0.1", "scheduler=none"]
KINDS = {
    "plateau": ["scheduler=plateau", "scheduler.patience=1", "optimizer.lr=1.0"],
    "patience": ["trainer.patience=1", "arch=single_task", "optimizer.lr=1.0"],
    "inside an epoch": ["trainer.max_epochs=null", "trainer.max_steps=7", "scheduler=cosine"],
    "accumulate": ["trainer.accumulate=3", "trainer.log_every=1", "trainer.checkpoint_every=2"],
    "average": ["trainer.ema_decay=0.9", "weighting=uw", "scheduler=step"],
    "diagnostic": ["diagnostic=conflict", "diagnostic.every=2", "trainer.max_epochs=2"],
    "weighting": ["weighting=dwa", "arch=mmoe", "arch.num_experts=2", "trainer.max_epochs=2"],
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what takes time and has no part in a resume."""
    monkeypatch.setattr(os, "fsync", lambda number: None)
    monkeypatch.setattr(session, "draw_curves", lambda *args: None)
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


def train(folder: Path, words: list[str]) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *TINY, *words])


def same(one: Path, other: Path) -> bool:
    """Whether two runs left the same: figures, weights, what was selected, what was seen."""
    files = ["metrics.csv", *(str(p.relative_to(other)) for p in other.glob("diagnostics/*"))]
    if any((one / file).read_bytes() != (other / file).read_bytes() for file in files):
        return False
    left, right = RunFolder(one).read_summary(), RunFolder(other).read_summary()
    keys = ("status", "steps", "best_epoch", "best", "test", "train", "loss")
    return all(left[key] == right[key] for key in keys) and all(
        equal(*(checkpoint.load(f / "checkpoints" / name) for f in (one, other)))
        for name in ("best.pt", "last.pt")
    )


def equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        timed = {"seconds", "epoch_seconds"}
        return one.keys() == other.keys() and all(
            equal(one[key], other[key]) for key in one.keys() - timed
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_at_any_moment_goes_on_to_the_bit(kind: str, tmp_path: Path) -> None:
    folder, words = tmp_path / "whole", KINDS[kind]
    copies = moments(folder, tmp_path / "copies", lambda: train(folder, words))
    assert len(copies) > 20
    wrong = []
    for copy in copies:
        if (copy / "config.yaml").exists():  # before that there is no run
            mtl_cli.train([f"resume={copy}"])
            if not same(copy, folder):
                wrong.append(copy.name)
    assert wrong == []


def test_a_resume_killed_at_any_moment_goes_on_to_the_bit(tmp_path: Path) -> None:
    train(tmp_path / "whole", ["trainer.max_epochs=4"])
    folder = tmp_path / "longer"
    train(folder, ["trainer.max_epochs=2"])
    longer = "trainer.max_epochs=4"
    copies = moments(
        folder, tmp_path / "copies", lambda: mtl_cli.train([f"resume={folder}", longer])
    )
    assert same(folder, tmp_path / "whole")
    assert len(copies) > 15
    for copy in copies:
        mtl_cli.train([f"resume={copy}", longer])
        assert same(copy, tmp_path / "whole"), copy.name


def test_a_disk_that_is_full_at_any_moment_leaves_what_was_good(tmp_path: Path) -> None:
    """Every change of a file fails from the n-th on, for every n: clear words, whole files."""
    train(tmp_path / "whole", [])
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
                train(folder, [])
                break
            except Problem as error:
                assert "No space left on device" in str(error)  # noqa: PT017
        if (folder / "config.yaml").exists():
            mtl_cli.train([f"resume={folder}"])
            assert same(folder, tmp_path / "whole")
    assert count > 20
