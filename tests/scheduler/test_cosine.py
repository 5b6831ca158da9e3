"""The cosine against its formula and torch's."""

import math

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from mtl_cli.basis.errors import Problem
from mtl_cli.scheduler.cosine import Cosine

LR, STEPS = 0.2, 40


def rates(final_factor: float, warmup_steps: int = 0, steps: int = STEPS) -> list[float]:
    optimizer = SGD([torch.zeros(1)], lr=LR)
    scheduler = Cosine(optimizer, STEPS, 10, warmup_steps, final_factor)
    found = []
    for step in range(steps):
        scheduler.set_rates(step)
        found.append(optimizer.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize("final_factor", [0.0, 0.1, 1.0])
def test_it_is_torchs_cosine(final_factor):
    optimizer = SGD([torch.zeros(1)], lr=LR)
    theirs = CosineAnnealingLR(optimizer, STEPS, eta_min=final_factor * LR)
    expected = []
    for _ in range(STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates(final_factor) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("warmup_steps", [0, 8])
@pytest.mark.parametrize("final_factor", [0.0, 0.3])
def test_after_the_warm_up_it_is_half_a_cosine_to_the_end(final_factor, warmup_steps):
    found = rates(final_factor, warmup_steps)
    length = STEPS - warmup_steps
    for step in range(warmup_steps, STEPS):
        height = (1 + math.cos(math.pi * (step - warmup_steps) / length)) / 2
        expected = LR * final_factor + (LR - LR * final_factor) * height
        assert found[step] == pytest.approx(expected, rel=1e-9)
    assert max(found) == found[warmup_steps] == LR


def test_after_the_end_it_stays_at_the_final_rate():
    assert rates(0.3, steps=STEPS + 5)[STEPS:] == pytest.approx([0.3 * LR] * 5)


@pytest.mark.parametrize("warmup_steps", [STEPS, STEPS + 1, 10 * STEPS])
def test_a_warm_up_as_long_as_the_training_only_rises(warmup_steps):
    found = rates(0.0, warmup_steps)
    assert found == pytest.approx([LR * (step + 1) / warmup_steps for step in range(STEPS)])


@pytest.mark.parametrize("wrong", [-0.1, 1.1, "0", None, torch.nan])
def test_a_wrong_final_factor_is_refused(wrong):
    with pytest.raises(Problem, match=r"^scheduler\.final_factor must be a number from 0 to 1"):
        rates(wrong)
