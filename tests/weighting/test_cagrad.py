"""CAGrad: the best worst gain within the ball around the mean gradient."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch.testing import assert_close

from mtl_cli.weighting.cagrad import CAGrad


def cagrad(jacobian, c=0.5):
    tasks = [str(k) for k in range(len(jacobian))]
    return CAGrad(tasks, "parameters", None, None, c).aggregate(jacobian, tasks)


def best_worst_gain(rows, c):
    """``max_d min_k g_k . d`` over the ball, by its dual: the authors' own way, with scipy."""
    gramian = (rows @ rows.T).numpy()
    count = len(gramian)
    even = np.ones(count) / count
    radius = c * np.sqrt(even @ gramian @ even)
    found = minimize(
        lambda w: w @ gramian @ even + radius * np.sqrt(w @ gramian @ w + 1e-12),
        even,
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda w: 1 - w.sum()},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    return found.fun


@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("count", "dim"), [(2, 3), (5, 8), (8, 4), (20, 40)])
def test_the_step_is_in_the_ball_and_no_other_has_a_better_worst_gain(count, dim, c):
    torch.manual_seed(count)
    rows = torch.randn(count, dim, dtype=torch.float64)
    step, weights = cagrad(rows, c)
    mean = rows.mean(0)
    assert (step - mean).norm() <= c * mean.norm() * (1 + 1e-6)
    assert (weights >= 1 / count - 1e-12).all()
    bound = best_worst_gain(rows, c)
    assert_close(float((rows @ step).min()), bound, atol=1e-5 * float(rows.norm()), rtol=1e-4)


def test_without_a_ball_it_is_the_mean():
    rows = torch.randn(4, 6)
    assert_close(cagrad(rows, 0)[0], rows.mean(0))


def test_a_task_alone_gets_1_plus_c_times_its_gradient():
    row = torch.randn(1, 6)
    assert_close(cagrad(row, 0.4)[0], 1.4 * row[0])
    assert_close(cagrad(row.repeat(3, 1), 0.4)[0], 1.4 * row[0])


def test_two_orthogonal_tasks_of_a_length_have_the_mean_direction():
    step, _ = cagrad(torch.eye(2), 0.5)
    assert_close(step, torch.full((2,), 0.75))


@pytest.mark.parametrize("c", [-0.1, 1.5, "a"])
def test_a_ball_out_of_range_is_refused(c):
    with pytest.raises(ValueError, match=r"weighting\.c must be a number from 0 to 1"):
        cagrad(torch.eye(2), c)
