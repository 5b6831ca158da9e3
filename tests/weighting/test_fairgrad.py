"""FairGrad: its stationarity, and the fairness that alpha asks for."""

import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd

from mtl_cli.weighting.fairgrad import FairGrad
from mtl_cli.weighting.nash_mtl import NashMTL


def fairgrad(jacobian, alpha=2.0):
    tasks = [str(k) for k in range(len(jacobian))]
    return FairGrad(tasks, "parameters", None, None, alpha).aggregate(jacobian, tasks)


@pytest.mark.parametrize("alpha", [0.5, 1, 2, 5, 10])
def test_the_weights_are_stationary(alpha):
    torch.manual_seed(0)
    rows = torch.randn(6, 30, dtype=torch.float64)
    _, weights = fairgrad(rows, alpha)
    assert_close((rows @ rows.T @ weights) ** alpha, 1 / weights, rtol=1e-4, atol=0)


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_the_weights_are_torchjds_where_its_least_squares_end(alpha):
    torch.manual_seed(0)
    rows = torch.randn(4, 30, dtype=torch.float64) / 5
    theirs = jd.FairGrad(alpha).gramian_weighting(rows @ rows.T)
    assert_close(fairgrad(rows, alpha)[1], theirs, rtol=1e-3, atol=1e-3)


def test_alpha_0_is_the_mean_and_alpha_1_nash_mtl():
    rows = torch.randn(4, 30)
    assert_close(fairgrad(rows, 0)[0], rows.mean(0))
    tasks = list("abcd")
    nash = NashMTL(tasks, "parameters", None, None, None, False).aggregate(rows, tasks)
    assert_close(fairgrad(rows, 1), nash)


def test_a_larger_alpha_makes_gains_more_equal():
    torch.manual_seed(0)
    rows = torch.randn(4, 30) * torch.tensor([1.0, 3.0, 0.3, 1.0])[:, None]
    spreads = []
    for alpha in (0.5, 1, 2, 5, 10):
        gains = rows @ fairgrad(rows, alpha)[0]
        spreads.append(float(gains.max() / gains.min()))
    assert spreads == sorted(spreads, reverse=True)


@pytest.mark.parametrize("alpha", [0.5, 2])
def test_the_factors_of_a_task_alone_and_of_equal_gradients(alpha):
    row = 3 * torch.randn(1, 8)
    square = float(row.square().sum())
    factor = square ** (-alpha / (1 + alpha))
    assert_close(fairgrad(row, alpha)[0], factor * row[0])
    factor = (5 / square**alpha) ** (1 / (1 + alpha))
    assert_close(fairgrad(row.repeat(5, 1), alpha)[0], factor * row[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("alpha", [-1, 11, "a"])
def test_an_alpha_out_of_range_is_refused(alpha):
    with pytest.raises(ValueError, match=r"weighting\.alpha must be a number from 0 to 10"):
        fairgrad(torch.eye(2), alpha)
