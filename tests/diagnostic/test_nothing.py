"""A diagnostic that has nothing to measure in a training says so once, and leaves nothing."""

from pathlib import Path

import pytest
import torch

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.diagnose import diagnose

SMALL = ["dataset.num_samples=400", "encoder.hidden=[8]", "device=cpu", "scheduler=none"]
WORDS = [*SMALL, "dataset.batch_size=40", "trainer.max_epochs=1"]
GATES = "diagnostic=gates has nothing to measure: it needs tasks that weigh experts, and here is "
SHARED = (
    "diagnostic=conflict has nothing to measure: it needs parameters that tasks share, "
    "and here is arch="
)


def train(folder: Path, *words: str) -> str:
    """The log of a training, which has to be completed."""
    said = mtl_cli.train([f"hydra.run.dir={folder}", *WORDS, *words])
    assert said["status"] == "completed"
    return (folder / "train.log").read_text(encoding="utf-8")


def left(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("diagnostics/*")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["diagnostic=gates", "diagnostic.every=2"], f"{GATES}arch=HPS, which has no gates"),
        (
            ["diagnostic=conflict", "~tasks.cos"],
            f"{SHARED}HPS with the task sin alone",
        ),
        (
            ["diagnostic=conflict", "arch=single_task"],
            f"{SHARED}SingleTask with the tasks sin, cos",
        ),
    ],
)
def test_alone_it_leaves_nothing_and_the_training_goes_on(words, said, tmp_path):
    log = train(tmp_path / "run", *words)
    assert log.count("has nothing to measure") == 1
    assert f"\nWARNING     {said}\n" in log
    assert not left(tmp_path / "run")
    assert not (tmp_path / "run/plots/gates.png").exists()
    train(tmp_path / "plain", *words[1:] if "every" not in words[1] else [], "diagnostic=null")
    both = [(tmp_path / run / "metrics.csv").read_bytes() for run in ("run", "plain")]
    assert both[0] == both[1]


def test_beside_others_it_alone_leaves_nothing(tmp_path):
    log = train(tmp_path / "run", "diagnostic=[gates,conflict]", "diagnostic.conflict.every=3")
    assert log.count("has nothing to measure") == 1
    assert left(tmp_path / "run") == {"conflict.csv"}
    assert "\nconflict: " in log
    assert "\ngates: " not in log


@pytest.mark.parametrize("choice", ["gates", "[gates,conflict]"])
def test_a_run_that_goes_on_knows_it(choice, tmp_path):
    folder = tmp_path / "run"
    train(folder, f"diagnostic={choice}")
    state = torch.load(folder / "checkpoints/last.pt", weights_only=True)["observer"]
    assert state.get("gates", state) == {"nothing": True}
    seen = left(folder)
    mtl_cli.train([f"resume={folder}"])  # with nothing left to train
    mtl_cli.train([f"resume={folder}", "trainer.max_epochs=2"])
    assert (folder / "train.log").read_text().count("has nothing to measure") == 1
    assert left(folder) == seen


def test_a_diagnosis_still_says_that_it_cannot_answer(tmp_path):
    words = [f"hydra.run.dir={tmp_path / 'new'}", "diagnostic=[gates,conflict]", *SMALL]
    with pytest.raises(Problem, match=r"diagnostic=gates needs tasks that weigh experts"):
        diagnose(words)
