"""What a run draws at its end is what `pictures` says."""

import json
from pathlib import Path

import numpy as np
import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.run.pictures import counted

WORDS = ["trainer=smoke", "dataset=parity_mnist", "dataset.source=digits", "encoder.hidden=[4]"]
CURVES = "learning_curves.png"
MATRICES = ["digit_confusion_matrix.png", "parity_confusion_matrix.png"]


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        ([], [CURVES, *MATRICES]),
        (["pictures.curves=false"], MATRICES),
        (["pictures.metrics=false"], [CURVES]),
        (["pictures.most_tasks=1"], [CURVES, MATRICES[0]]),
        (["pictures={curves: false, metrics: false}"], []),
    ],
)
def test_what_is_drawn(words: list[str], drawn: list[str], tmp_path: Path) -> None:
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *WORDS, *words])
    assert {path.name for path in tmp_path.glob("run/plots/*")} == set(drawn)


@pytest.mark.parametrize("word", ["curves=3", "metrics=x", "most_tasks=0", "most_tasks=all"])
def test_a_wrong_value_is_told_before_anything_is_trained(word: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="pictures"):
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *WORDS, f"pictures.{word}"])
    assert not (tmp_path / "run" / "metrics.csv").exists()


def test_counts_of_confusion_are_left_as_numbers_too(tmp_path: Path) -> None:
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *WORDS])
    found = json.loads((tmp_path / "run" / "confusion.json").read_text())
    assert {task: len(own["classes"]) for task, own in found.items()} == {"digit": 10, "parity": 2}
    sums = {np.sum(own["counts"]) for own in found.values()}
    assert len(sums) == 1  # each example of test once


def test_matrices_are_of_counts_and_of_classes_that_can_be_read() -> None:
    whole = np.array([[3.0, 1.0], [0.0, 2.0]])
    assert counted("a", whole, []) == {"a": {"classes": ["0", "1"], "counts": [[3, 1], [0, 2]]}}
    several = counted("a", np.stack([whole, whole.T]), ["wet", "hot"])
    assert list(several) == ["a, wet", "a, hot"]
    assert several["a, hot"] == {"classes": ["no", "yes"], "counts": [[3, 0], [1, 2]]}
    assert counted("a", whole / 4, []) == {}
    assert counted("a", np.zeros((41, 41)), []) == {}
