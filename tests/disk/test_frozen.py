"""What no training changes is written once in a run folder, and every command finds it there."""

import shutil
from pathlib import Path

import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.disk import checkpoint
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.evaluate import evaluate

WORDS = ["dataset.num_samples=60", "encoder.hidden=[64,64]", "arch=lora", "arch.rank=1"]
WORDS += [
    "arch.per_task=1",
    "trainer.log_every=2",
    "trainer.ema_decay=0.9",
    "trainer.patience=null",
]
WORDS += ["pictures.curves=false", "pictures.examples=0", "scheduler=none"]


def train(folder: Path, *words: str) -> RunFolder:
    mtl_cli.train([f"hydra.run.dir={folder}", *WORDS, *words])
    return RunFolder(folder)


def alone(path: Path) -> dict[str, torch.Tensor]:
    """The weights of a file by itself."""
    return torch.load(path, weights_only=True)["model"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train(tmp_path_factory.mktemp("frozen") / "run", "trainer.max_epochs=2")


@pytest.fixture
def copy(run: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(run.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def same(one: Path, other: Path) -> bool:
    left, right = checkpoint.load(one), checkpoint.load(other)
    alike = left["model"].keys() == right["model"].keys()
    return alike and all(
        torch.equal(left["model"][name], right["model"][name]) for name in left["model"]
    )


def test_a_checkpoint_has_what_is_trained_and_the_file_beside_it_the_rest(run: RunFolder) -> None:
    frozen = alone(run.frozen)
    model = mtl_cli.load_run(run.path).model
    assert frozen.keys() == {n for n, p in model.named_parameters() if not p.requires_grad}
    for path in (run.best, run.last):
        assert alone(path).keys() == model.state_dict().keys() - frozen.keys()
        assert checkpoint.load(path)["model"].keys() == model.state_dict().keys()
    weights = sum(value.numel() * value.element_size() for value in frozen.values())
    assert run.frozen.stat().st_size > weights > run.best.stat().st_size
    state = checkpoint.load(run.last)
    assert not state["best"]["model"].keys() & frozen.keys()
    assert not state["average"].keys() & frozen.keys()


def test_a_run_goes_on_to_the_bit_and_the_file_stays(copy: RunFolder, tmp_path: Path) -> None:
    before = copy.frozen.read_bytes()
    mtl_cli.train([f"resume={copy.path}", "trainer.max_epochs=3"])
    whole = train(tmp_path / "whole", "trainer.max_epochs=3")
    assert copy.metrics.read_bytes() == whole.metrics.read_bytes()
    assert same(copy.last, whole.last)
    assert same(copy.best, whole.best)
    assert copy.frozen.read_bytes() == before == whole.frozen.read_bytes()


def test_a_run_of_an_older_version_goes_on_to_the_bit(copy: RunFolder, tmp_path: Path) -> None:
    frozen = alone(copy.frozen)
    for path in (copy.best, copy.last):
        state = checkpoint.load(path)
        del state["frozen"]
        if path == copy.last:
            state["average"] |= frozen
            state["best"]["model"] |= frozen
        checkpoint.save(path, state)
    copy.frozen.unlink()
    evaluate([f"run={copy.path}"])
    mtl_cli.train([f"resume={copy.path}", "trainer.max_epochs=3"])
    whole = train(tmp_path / "whole", "trainer.max_epochs=3")
    assert copy.metrics.read_bytes() == whole.metrics.read_bytes()
    assert same(copy.best, whole.best)
    assert alone(copy.last).keys() == alone(whole.last).keys()


def test_a_run_starts_from_weights_that_another_left_in_two_files(
    run: RunFolder, tmp_path: Path
) -> None:
    began = train(tmp_path / "began", f"init={run.path}", "trainer.max_epochs=1", "seed=7")
    left, right = alone(run.frozen), alone(began.frozen)
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("command", ["evaluate", "resume"])
def test_a_file_that_is_not_there_or_another_ones_is_said(
    copy: RunFolder, tmp_path: Path, command: str
) -> None:
    call = {
        "evaluate": lambda: evaluate([f"run={copy.path}"]),
        "resume": lambda: mtl_cli.train([f"resume={copy.path}", "trainer.max_epochs=3"]),
    }[command]
    frozen = alone(copy.frozen)
    checkpoint.save(copy.frozen, {"model": {name: value + 1 for name, value in frozen.items()}})
    with pytest.raises(Problem, match=r"must be the file that (best|last)\.pt was written with"):
        call()
    copy.frozen.unlink()
    with pytest.raises(Problem, match=r"no frozen\.pt"):
        call()


def test_what_is_all_trained_leaves_no_such_file(tmp_path: Path) -> None:
    assert not train(tmp_path / "run", "arch.freeze=false", "trainer.max_epochs=1").frozen.exists()
