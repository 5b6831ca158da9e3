"""The plateau against torch's, on figures that rise and fall."""

import math
import random

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

from mtl_cli.basis.errors import Problem
from mtl_cli.scheduler.plateau import Plateau

LR = 0.2


def make(patience: int = 2, gamma: float = 0.5) -> tuple[SGD, Plateau]:
    optimizer = SGD([torch.zeros(1)], lr=LR)
    return optimizer, Plateau(optimizer, 100, 4, 0, patience, gamma)


def rates(improved: list[bool], patience: int, gamma: float) -> list[float]:
    """The rate of each epoch."""
    optimizer, scheduler = make(patience, gamma)
    found = []
    for epoch, better in enumerate(improved):
        for step in range(4 * epoch, 4 * epoch + 4):
            scheduler.set_rates(step)
        found.append(optimizer.param_groups[0]["lr"])
        scheduler.end_epoch(better)
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("patience", [1, 2, 4])
def test_it_is_torchs_plateau(patience, seed):
    """Whose ``patience`` is the number of epochs that it ignores, one less than ours."""
    figures = [random.Random(seed).gauss(-0.02 * epoch, 0.3) for epoch in range(40)]
    improved = [v < min(figures[:i], default=math.inf) for i, v in enumerate(figures)]
    optimizer = SGD([torch.zeros(1)], lr=LR)
    options = {"factor": 0.5, "patience": patience - 1, "threshold": 0, "eps": 0}
    theirs = ReduceLROnPlateau(optimizer, **options)
    expected = []
    for figure in figures:
        expected.append(optimizer.param_groups[0]["lr"])
        theirs.step(figure)
    assert rates(improved, patience, 0.5) == pytest.approx(expected)


def test_it_falls_after_so_many_epochs_without_a_new_best():
    improved = [True, False, False, False, True, False, False, True, False, False, False]
    found = rates([*improved, False, False, False, True], patience=3, gamma=0.1)
    assert found == pytest.approx([LR] * 4 + [LR * 0.1] * 7 + [LR * 0.01] * 3 + [LR * 0.001])


def test_the_epochs_waited_are_part_of_the_state():
    _, first = make(patience=3)
    for improved in (True, False, False, False, False, False):
        first.end_epoch(improved)
    optimizer, second = make(patience=3)
    second.load_state_dict(first.state_dict())
    second.set_rates(24)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(LR * 0.5)
    second.end_epoch(False)
    second.set_rates(28)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(LR * 0.25)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("patience", wrong) for wrong in (0, 1.5, "3", None)),
        *(("gamma", wrong) for wrong in (-0.1, 1.1, "x", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"^scheduler\.{option} must be"):
        make(**{option: wrong})
