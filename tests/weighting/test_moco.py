"""MoCo against its algorithm by hand, the simplex by scipy, and MGDA's point where it settles."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.weighting.moco import MoCo, project

TASKS = ["a", "b", "c"]
OPTIONS = {"beta": 0.5, "beta_decay": 0.5, "gamma": 0.1, "gamma_decay": 0.5, "rho": 0.0}


def make(tasks=TASKS, **options):
    return MoCo(tasks, "parameters", None, None, **(OPTIONS | options))


def losses_of(x, present=TASKS):
    losses = {"a": x.square().sum(), "b": 3 * (x - 1).square().sum(), "c": x.exp().sum()}
    return {task: losses[task] for task in present}


def gradients(x, present=TASKS):
    return [torch.autograd.grad(v, x)[0].double().numpy() for v in losses_of(x, present).values()]


def nearest_on_the_simplex(point):
    """By a general solver."""
    return minimize(
        lambda q: ((q - point) ** 2).sum(),
        np.full(len(point), 1 / len(point)),
        bounds=[(0, 1)] * len(point),
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
        tol=1e-12,
    ).x


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_every_step_is_that_of_the_algorithm(rho):
    method, x = make(rho=rho), nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
    y, shares = np.zeros((3, 4)), np.full(3, 1 / 3)
    for step in range(1, 7):
        y += 0.5 / step**0.5 * (np.array(gradients(x)) - y)
        slope = (y @ y.T + rho * np.eye(3)) @ shares
        shares = nearest_on_the_simplex(shares - 0.1 / step**0.5 * slope)
        x.grad = None
        assert method.backward(losses_of(x), [x], []) is None
        assert_close(x.grad.double().numpy(), shares @ y, rtol=1e-3, atol=1e-4)
        with torch.no_grad():
            x -= 0.02 * x.grad


def test_where_nothing_moves_it_settles_at_the_shortest_vector():
    """MGDA's point: the shortest of all weighted means of the gradients."""
    method, x = make(beta=1.0, beta_decay=0.0, gamma=0.01, gamma_decay=0.0), None
    for _ in range(500):
        x = nn.Parameter(torch.tensor([0.5, -0.3, 0.1, 0.4]))
        method.backward(losses_of(x), [x], [])
    rows = np.array(gradients(x))
    shortest = minimize(
        lambda q: ((q @ rows) ** 2).sum(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
        tol=1e-12,
    ).x
    assert_close(x.grad.double().numpy(), shortest @ rows, rtol=1e-2, atol=1e-2)


def test_absent_tasks_keep_their_share_and_the_others_divide_the_rest():
    method, x = make(), nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
    for _ in range(2):
        method.backward(losses_of(x), [x], [])
    before, rows = method.shares.clone(), method.average.rows.clone()
    method.backward(losses_of(x, ["a", "c"]), [x], [])
    assert method.shares[1] == before[1]
    assert_close(method.shares.sum(), torch.tensor(1.0))
    assert not torch.equal(method.shares, before)
    assert_close(method.average.rows[1], rows[1])
    assert method.average.steps.tolist() == [3, 2, 3]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_projection_is_the_nearest_point_of_the_simplex(size):
    generator = torch.Generator().manual_seed(size)
    for scale in (0.1, 1.0, 10.0):
        point = scale * torch.randn(size, generator=generator, dtype=torch.float64)
        projected = project(point)
        assert_close(projected.sum().item(), 1.0)
        assert_close(projected.numpy(), nearest_on_the_simplex(point.numpy()), atol=1e-4, rtol=0)


def test_of_features_there_is_no_average():
    with pytest.raises(Problem, match=r"^weighting\.on must be one of parameters"):
        MoCo(TASKS, "features", None, None, **OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_parameter_out_of_its_range_is_refused(option):
    with pytest.raises(Problem, match=rf"^weighting\.{option} must be"):
        make(**{option: -0.1})
