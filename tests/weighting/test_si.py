"""The sum of the losses' logarithms: weights by hand, units, and losses that have no logarithm."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchjd.scalarization import GeometricMean

from mtl_cli.basis.errors import Problem
from mtl_cli.weighting.si import SI

TASKS = ["a", "b", "c"]
VALUES = [0.5, 20.0, 1.25]


def leaves(values):
    return {t: nn.Parameter(torch.tensor(v)) for t, v in zip(TASKS, values, strict=True)}


def test_the_scalar_is_the_sum_of_the_logarithms_and_the_weights_are_inverse_losses():
    losses = leaves(VALUES)
    assert SI(TASKS).combine(losses).item() == pytest.approx(sum(map(math.log, VALUES)))
    weights = SI(TASKS).backward(losses, list(losses.values()), [])
    assert weights == {t: pytest.approx(1 / v) for t, v in zip(TASKS, VALUES, strict=True)}
    assert_close([loss.grad for loss in losses.values()], list(weights.values()))


def test_no_unit_of_a_loss_counts():
    x, y = nn.Parameter(torch.tensor([0.3, -1.0])), nn.Parameter(torch.tensor([0.3, -1.0]))
    for point, unit in ((x, 1.0), (y, 1000.0)):
        losses = {"a": unit * point.square().sum(), "b": point.exp().sum(), "c": point[0].exp()}
        SI(TASKS).backward(losses, [point], [])
    assert_close(x.grad, y.grad)


def test_its_direction_is_that_of_the_geometric_mean():
    """Which is exp(S / K), so its slopes are those of S times the mean over K."""
    one, other = leaves(VALUES), leaves(VALUES)
    SI(TASKS).backward(one, list(one.values()), [])
    mean = GeometricMean()(torch.stack(list(other.values())))
    mean.backward()
    for task in TASKS:
        assert_close(one[task].grad * mean.detach() / 3, other[task].grad)


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_the_task_whose_loss_has_no_logarithm_is_named(value):
    with pytest.raises(Problem, match="the loss of task 'c' must be above 0"):
        SI(TASKS).combine(leaves([1.0, 1.0, value]))
