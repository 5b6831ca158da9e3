"""Nash-MTL: the bargaining solution, and its special cases."""

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.weighting.nash_mtl import NashMTL


def nash(jacobian, max_norm=None):
    tasks = [str(k) for k in range(len(jacobian))]
    return NashMTL(tasks, "parameters", None, None, max_norm, False).aggregate(jacobian, tasks)


@pytest.mark.parametrize("count", [1, 2, 8, 32])
def test_the_weights_solve_the_games_equation(count):
    torch.manual_seed(0)
    rows = torch.randn(count, 50, dtype=torch.float64)
    _, weights = nash(rows)
    assert_close(rows @ rows.T @ weights, 1 / weights, rtol=1e-5, atol=0)


def test_no_other_step_of_that_length_has_a_greater_product_of_gains():
    torch.manual_seed(0)
    rows = torch.randn(4, 10, dtype=torch.float64)
    step, _ = nash(rows)
    others = step + 0.3 * torch.randn(2000, 10, dtype=torch.float64)
    others *= step.norm() / others.norm(dim=1, keepdim=True)
    gains = others @ rows.T
    assert (rows @ step).log().sum() >= gains.clamp(min=0).log().sum(1).max()


def test_of_two_tasks_it_has_the_direction_of_imtl_g():
    """The same projection on both gradients: along the sum of the two of length 1."""
    torch.manual_seed(0)
    for _ in range(10):
        a, b = torch.randn(2, 6, dtype=torch.float64)
        step, _ = nash(torch.stack([100 * a, b]))
        halfway = a / a.norm() + b / b.norm()
        assert_close(step / step.norm(), halfway / halfway.norm())


def test_orthogonal_tasks_gain_as_they_would_alone():
    step, weights = nash(torch.diag(torch.tensor([1.0, 10.0, 0.1])))
    assert_close(weights, torch.tensor([1.0, 0.1, 10.0]))
    assert_close(step, torch.ones(3))


@pytest.mark.parametrize("max_norm", [None, 0.5, 1.0, 5.0])
def test_the_length_is_the_root_of_the_number_of_tasks_or_what_is_allowed(max_norm):
    rows = torch.randn(6, 50)
    step, weights = nash(rows, max_norm)
    assert_close(step.norm(), torch.tensor(min(6**0.5, max_norm or 9)), rtol=1e-4, atol=0)
    assert_close(weights @ rows, step)


@pytest.mark.parametrize("max_norm", [0, -1, "a"])
def test_a_length_that_allows_no_step_is_refused(max_norm):
    with pytest.raises(ValueError, match=r"weighting\.max_norm must be a number"):
        nash(torch.eye(2), max_norm)
