"""All five commands where the disk takes no more: clear words, and what was good is not lost."""

import contextlib
import importlib.util
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.diagnose import diagnose
from mtl_cli.disk import checkpoint

PATH = Path(__file__).parent.parent / "scripts" / "damage.py"
spec = importlib.util.spec_from_file_location("damage", PATH)
damage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(damage)

COMMANDS = damage.COMMANDS | {
    "train": lambda run: mtl_cli.train([f"hydra.run.dir={run.parent / 'new'}", *damage.WORDS]),
    "diagnose anew": lambda run: diagnose(
        ["diagnostic=gates", f"hydra.run.dir={run.parent / 'new'}", *damage.WORDS]
    ),
}
# Bytes that a file may have: none, less than any file, and between the sizes of those of a run.
LIMITS = (0, 10, 5000)


@contextlib.contextmanager
def limit(size: int) -> Iterator[None]:
    """A real one, of the system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return damage.make(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_limit_on_files_is_told_in_words_and_the_run_stays_whole(
    command: str, whole: Path, tmp_path: Path
) -> None:
    refusals = []
    for size in LIMITS:
        folder = tmp_path / str(size)
        shutil.copytree(whole.parent, folder)
        run = folder / whole.name
        with limit(size):
            try:
                COMMANDS[command](run)
            except Problem as error:
                refusals.append(str(error))
        assert not [*folder.rglob(".part_*")]
        for name in ("best.pt", "last.pt"):
            checkpoint.load(run / "checkpoints" / name)
        damage.COMMANDS["resume"](run)
    assert len(refusals) >= 2
    assert all("File too large" in said and "ulimit -f" in said for said in refusals)


@pytest.mark.parametrize("command", ["evaluate", "predict", "diagnose", "report"])
def test_a_place_that_was_taken_away_is_told_in_words(
    command: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last moment: when what was written beside a file is to take its place."""
    shutil.copytree(whole.parent, tmp_path / "copy")
    run = tmp_path / "copy" / whole.name

    def gone(source: Path, path: Path) -> None:
        shutil.rmtree(tmp_path / "copy")
        raise FileNotFoundError(2, "No such file or directory", str(source), None, str(path))

    monkeypatch.setattr("mtl_cli.disk.writing.os.replace", gone)
    with pytest.raises(Problem, match="a folder that stays where it is"):
        damage.COMMANDS[command](run)
