"""The falling steps against their formula and torch's."""

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR

from mtl_cli.basis.errors import Problem
from mtl_cli.scheduler.step import Step

LR, STEPS, EPOCH = 0.2, 60, 5


def rates(every_epochs: int, gamma: float) -> list[float]:
    optimizer = SGD([torch.zeros(1)], lr=LR)
    scheduler = Step(optimizer, STEPS, EPOCH, 0, every_epochs, gamma)
    found = []
    for step in range(STEPS):
        scheduler.set_rates(step)
        found.append(optimizer.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize("gamma", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("every_epochs", [1, 3, 100])
def test_it_is_torchs_step_after_each_so_many_epochs(every_epochs, gamma):
    optimizer = SGD([torch.zeros(1)], lr=LR)
    theirs = StepLR(optimizer, every_epochs, gamma)
    expected = []
    for _ in range(STEPS // EPOCH):
        expected += [optimizer.param_groups[0]["lr"]] * EPOCH
        optimizer.step()
        theirs.step()
    assert rates(every_epochs, gamma) == pytest.approx(expected)


def test_it_falls_at_the_first_step_of_an_epoch():
    found = rates(every_epochs=2, gamma=0.5)
    falls = [step for step in range(1, STEPS) if found[step] < found[step - 1]]
    assert falls == list(range(2 * EPOCH, STEPS, 2 * EPOCH))
    assert found[falls[1]] == pytest.approx(LR * 0.5**2)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("every_epochs", wrong) for wrong in (0, 1.5, "5", None)),
        *(("gamma", wrong) for wrong in (-0.1, 1.1, "x", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"^scheduler\.{option} must be"):
        rates(**{"every_epochs": 5, "gamma": 0.1} | {option: wrong})
