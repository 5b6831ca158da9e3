"""What all schedules share: a linear warm-up, the groups' own rates, and their state."""

from functools import partial

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LinearLR

from mtl_cli.basis.errors import Problem
from mtl_cli.scheduler.cosine import Cosine
from mtl_cli.scheduler.none import Constant
from mtl_cli.scheduler.plateau import Plateau
from mtl_cli.scheduler.step import Step

STEPS, EPOCH = 24, 4
SCHEDULES = {
    "cosine": partial(Cosine, final_factor=0.1),
    "none": Constant,
    "plateau": partial(Plateau, patience=1, gamma=0.5),
    "step": partial(Step, every_epochs=2, gamma=0.5),
}
each_schedule = pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)


def optimizer() -> SGD:
    groups = [{"params": [torch.zeros(1)], "lr": rate} for rate in (0.8, 0.05)]
    return SGD(groups, lr=1.0)


def rates(make, warmup_steps: int, steps: int = STEPS) -> list[tuple[float, ...]]:
    """The rates of both groups at each step; every second epoch improves."""
    groups = optimizer()
    scheduler = make(groups, STEPS, EPOCH, warmup_steps)
    found = []
    for step in range(steps):
        scheduler.set_rates(step)
        found.append(tuple(group["lr"] for group in groups.param_groups))
        if (step + 1) % EPOCH == 0:
            scheduler.end_epoch((step + 1) // EPOCH % 2 == 1)
    return found


@pytest.mark.parametrize("warmup_steps", [2, 3, 10])
def test_the_warm_up_is_torchs_linear_one(warmup_steps):
    groups = optimizer()
    linear = LinearLR(groups, 1 / warmup_steps, total_iters=warmup_steps - 1)
    expected = []
    for _ in range(STEPS):
        expected.append(tuple(group["lr"] for group in groups.param_groups))
        groups.step()
        linear.step()
    for found, right in zip(rates(Constant, warmup_steps), expected, strict=True):
        assert found == pytest.approx(right, rel=1e-9)


@each_schedule
@pytest.mark.parametrize("warmup_steps", [0, 1, 5])
def test_the_first_step_is_at_the_rate_divided_by_the_steps_of_the_warm_up(warmup_steps, make):
    share = 1 / max(1, warmup_steps)
    assert rates(make, warmup_steps)[0] == pytest.approx((0.8 * share, 0.05 * share))


@each_schedule
@pytest.mark.parametrize("warmup_steps", [0, 5])
def test_groups_keep_the_ratio_of_their_rates(warmup_steps, make):
    for first, second in rates(make, warmup_steps):
        assert first / second == pytest.approx(0.8 / 0.05)
        assert 0 < first <= 0.8


@each_schedule
@pytest.mark.parametrize("stop", [1, 6, 8, 19])
def test_a_schedule_goes_on_from_its_state(stop, make):
    """Also where the optimizer has come back with the rates of the last step."""
    whole = rates(make, 5)
    groups = optimizer()
    first, second = (make(groups, STEPS, EPOCH, 5) for _ in range(2))
    found = []
    for step in range(STEPS):
        scheduler = first if step < stop else second
        if step == stop:
            second.load_state_dict(first.state_dict())
        scheduler.set_rates(step)
        found.append(tuple(group["lr"] for group in groups.param_groups))
        if (step + 1) % EPOCH == 0:
            scheduler.end_epoch((step + 1) // EPOCH % 2 == 1)
    assert found == whole


@each_schedule
@pytest.mark.parametrize("wrong", [-1, 1.5, "3", None, True])
def test_a_wrong_warm_up_is_refused(wrong, make):
    with pytest.raises(Problem, match=r"^scheduler\.warmup_steps must be an integer of at least 0"):
        make(optimizer(), STEPS, EPOCH, wrong)


def test_only_the_plateau_asks_for_a_val_split():
    needs = {name: make(optimizer(), STEPS, EPOCH, 0).needs_val for name, make in SCHEDULES.items()}
    assert needs == {"cosine": False, "none": False, "plateau": True, "step": False}
