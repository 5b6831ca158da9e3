"""MGDA: the minimum-norm point."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd

from mtl_cli.weighting.mgda import MGDA


def mgda(jacobian):
    tasks = [str(k) for k in range(len(jacobian))]
    return MGDA(tasks, "parameters", None, None).aggregate(jacobian, tasks)


def test_of_two_tasks_it_is_the_formula():
    """Sener & Koltun, algorithm 1: the projection of zero onto the segment between them."""
    torch.manual_seed(0)
    for _ in range(20):
        a, b = torch.randn(2, 3)
        share = float(((b - a) @ b / (a - b).square().sum()).clamp(0, 1))
        step, weights = mgda(torch.stack([a, b]))
        assert_close(step, share * a + (1 - share) * b, atol=1e-5, rtol=1e-4)
        assert_close(weights, torch.tensor([share, 1 - share]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("count", "dim"), [(3, 5), (8, 20), (20, 8)])
def test_no_mixture_is_shorter(count, dim):
    torch.manual_seed(count)
    rows = torch.randn(count, dim, dtype=torch.float64) + 0.5
    step, weights = mgda(rows)
    assert (weights >= 0).all()
    assert_close(weights.sum(), torch.ones((), dtype=torch.float64))
    mixtures = torch.from_numpy(np.random.default_rng(0).dirichlet([0.3] * count, 2000)) @ rows
    assert step.norm() <= mixtures.norm(dim=1).min() + 1e-12
    theirs = jd.MGDA(epsilon=1e-12, max_iters=20_000)(rows)  # in Frank-Wolfe steps
    assert step.norm() <= theirs.norm() + 1e-12
    assert_close(step, theirs, atol=0.02, rtol=0.02)
    assert (rows @ step >= step @ step - 1e-9).all()
