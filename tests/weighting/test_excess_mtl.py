"""ExcessMTL: weights that follow the excess risks, by the paper's equations."""

import io

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.weighting.excess_mtl import ExcessMTL


def excess(count=3, step_size=1.0, warmup_steps=0):
    tasks = [f"t{k}" for k in range(count)]
    return ExcessMTL(tasks, "parameters", None, None, step_size, warmup_steps, False)


def by_hand(steps, step_size, warmup):
    """Equations 6, 7 and 9 on all steps; the weights of each."""
    squares = torch.zeros_like(steps[0])
    weights, used, risks = torch.full((len(steps[0]),), 1 / len(steps[0])), [], []
    for t, rows in enumerate(steps):
        squares = squares + rows**2
        risks.append((rows**2 / torch.sqrt(squares + 1e-7)).sum(1))
        baseline = torch.stack(risks[:warmup]).mean(0) if warmup else risks[0]
        if t >= warmup:
            grown = weights * torch.exp(step_size * risks[-1] / (baseline + 1e-7))
            weights = grown / grown.sum()
        used.append(weights)
    return used


@pytest.mark.parametrize("warmup", [0, 1, 3])
@pytest.mark.parametrize("step_size", [0.1, 1.0])
def test_the_weights_are_those_of_the_equations(warmup, step_size):
    torch.manual_seed(0)
    steps = [torch.randn(3, 10) * torch.tensor([1.0, 5.0, 0.1])[:, None] for _ in range(6)]
    method = excess(3, step_size, warmup)
    for rows, expected in zip(steps, by_hand(steps, step_size, warmup), strict=True):
        step, weights = method.aggregate(rows.clone(), method.tasks)
        assert_close(weights, expected)
        assert_close(step, expected @ rows)


def test_a_task_whose_gradient_stays_weighs_more_than_one_whose_gradient_vanishes():
    method = excess(2)
    for t in range(1, 6):
        rows = torch.stack([torch.ones(4), torch.ones(4) / t**2])
        _, weights = method.aggregate(rows, method.tasks)
    assert weights[0] > 0.6


def test_present_tasks_share_their_own_weight():
    torch.manual_seed(0)
    method = excess(3)
    for _ in range(3):
        method.aggregate(torch.randn(3, 4), method.tasks)
    before = method.log_weights.exp()
    squares = method.squares.clone()
    _, used = method.aggregate(torch.randn(2, 4), ["t0", "t2"])
    after = method.log_weights.exp()
    assert torch.equal(after[1], before[1])
    assert torch.equal(method.squares[1], squares[1])
    assert_close(after.sum(), torch.ones(()))
    assert_close(used.sum(), torch.ones(()))


def test_its_state_of_the_jacobians_size_is_saved():
    torch.manual_seed(0)
    first, second = excess(), excess()
    for _ in range(2):
        first.aggregate(torch.randn(3, 4), first.tasks)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    rows = torch.randn(3, 4)
    one, other = (method.aggregate(rows.clone(), first.tasks) for method in (first, second))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


def test_it_has_no_sums_of_features():
    with pytest.raises(ValueError, match=r"weighting\.on must be one of parameters"):
        ExcessMTL(["a", "b"], "features", None, None, 1.0, 0, False)


@pytest.mark.parametrize(
    ("options", "option"), [({"step_size": 0}, "step_size"), ({"warmup_steps": -1}, "warmup_steps")]
)
def test_options_out_of_range_are_refused(options, option):
    with pytest.raises(ValueError, match=rf"weighting\.{option} must be"):
        excess(**options)
