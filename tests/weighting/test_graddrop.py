"""GradDrop: signs that are drawn, coordinate by coordinate."""

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.weighting.graddrop import GradDrop


def graddrop(jacobian, leak=0.0, seed=0):
    tasks = [str(k) for k in range(len(jacobian))]
    torch.manual_seed(seed)
    step, weights = GradDrop(tasks, "parameters", None, None, leak).step(jacobian.clone(), tasks)
    assert weights is None
    return step


def by_hand(rows, leak, seed):
    """Lines 10 to 15 of algorithm 1, one task at a time."""
    torch.manual_seed(seed)
    draw = torch.rand(rows.shape[1])
    purity = 0.5 * (1 + rows.sum(0) / rows.abs().sum(0))
    total = torch.zeros(rows.shape[1])
    for share, row in zip(leak, rows, strict=True):
        mask = (purity > draw) * (row > 0) + (purity < draw) * (row < 0)
        total += (share + (1 - share) * mask) * row
    return total


@pytest.mark.parametrize("leak", [0.0, 1.0, 0.3, [0.0, 0.5, 1.0, 0.2]])
def test_the_step_is_the_algorithms(leak):
    torch.manual_seed(0)
    rows = torch.randn(4, 1000)
    leaks = leak if isinstance(leak, list) else [leak] * 4
    assert_close(graddrop(rows, leak, seed=5), by_hand(rows, leaks, seed=5), atol=1e-5, rtol=1e-5)


def test_where_all_signs_agree_everything_passes():
    rows = torch.randn(4, 100).abs()
    assert_close(graddrop(rows), rows.sum(0))
    assert_close(graddrop(-rows), -rows.sum(0))
    assert_close(graddrop(rows[:1]), rows[0])


def test_a_sign_has_the_odds_of_its_gradients():
    rows = torch.tensor([[3.0], [-1.0]]).expand(2, 20_000)
    step = graddrop(rows)
    assert set(step.tolist()) == {3.0, -1.0}
    assert abs(float((step > 0).float().mean()) - 0.75) < 0.02


def test_a_coordinate_without_a_gradient_stays():
    assert_close(graddrop(torch.tensor([[0.0, 1.0], [0.0, 2.0]])), torch.tensor([0.0, 3.0]))


@pytest.mark.parametrize("leak", [-0.1, 1.5, "a", [0.1], [0.1, 2.0]])
def test_a_leak_out_of_range_is_refused(leak):
    with pytest.raises(ValueError, match=r"weighting\.leak must be"):
        graddrop(torch.eye(2), leak)
