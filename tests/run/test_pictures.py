"""What a run draws at its end is what `pictures` says."""

from pathlib import Path

import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem

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
