"""The words of a baseline: those of the sweep, without what is about sharing."""

from pathlib import Path

import pytest

from mtl_cli.study.base import baseline_words


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["arch=mmoe", "arch.num_experts=4", "dataset=text"], ["dataset=text"]),
        (["weighting=uw", "+weighting.a=1", "~arch.x", "seed=1,2"], ["seed=1,2"]),
        (["tasks.a.weight=2", "tasks.a.loss.gamma=1"], ["tasks.a.loss.gamma=1"]),
        (["-m", "--config-dir", "mine", "diagnostic=gates"], ["-m", "--config-dir", "mine"]),
        (["architecture=x", "hydra.sweep.dir=y"], ["architecture=x"]),
    ],
)
def test_what_shapes_sharing_is_left_out(words: list[str], kept: list[str]) -> None:
    own = [*kept, "arch=single_task", "hydra.sweep.dir=sweep/single_task"]
    assert baseline_words(["study=baselines", *words], Path("sweep"))[1:] == own
