"""GradVac: turned to the usual similarity, which follows the steps."""

import math

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.weighting.gradvac import GradVac
from mtl_cli.weighting.gramian import random_orders
from mtl_cli.weighting.pcgrad import PCGrad


def gradvac(count, beta=0.5):
    return GradVac([str(k) for k in range(count)], "parameters", None, None, beta)


def by_hand(rows, orders, usual, beta):
    """Equations 2 and 3 on the gradients themselves; ``usual`` is changed."""
    total = torch.zeros_like(rows[0])
    for k, order in enumerate(orders):
        own = rows[k].clone()
        for j in order.tolist():
            s, t = float(torch.cosine_similarity(own, rows[j], dim=0)), float(usual[k, j])
            if s < t:
                up = t * math.sqrt(1 - s * s) - s * math.sqrt(1 - t * t)
                own = own + own.norm() * up / (rows[j].norm() * math.sqrt(1 - t * t)) * rows[j]
            usual[k, j] = (1 - beta) * t + beta * s
        total += own
    return total


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_steps_are_the_algorithms(count, beta):
    torch.manual_seed(count)
    method, usual = gradvac(count, beta), torch.zeros(count, count)
    for seed in range(4):
        rows = torch.randn(count, 10) + 0.2
        torch.manual_seed(seed)
        orders = random_orders(count)
        torch.manual_seed(seed)
        step, _ = method.aggregate(rows, method.tasks)
        assert_close(step, by_hand(rows, orders, usual, beta), rtol=1e-4, atol=1e-4)
        assert_close(method.usual, usual, rtol=1e-4, atol=1e-5)


def test_a_turned_gradient_has_the_usual_similarity():
    method = gradvac(2, 0.0)
    method.usual += torch.tensor([[0, 0.5], [-1, 0]])  # the second is similar enough
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    step, _ = method.aggregate(torch.stack([a, b]), method.tasks)
    assert_close(torch.cosine_similarity(step - b, b, dim=0), torch.tensor(0.5))


def test_while_nothing_is_usual_it_is_pcgrad():
    torch.manual_seed(0)
    rows, method = torch.randn(5, 10), gradvac(5, 0.0)
    torch.manual_seed(1)
    step, _ = method.aggregate(rows, method.tasks)
    torch.manual_seed(1)
    expected, _ = PCGrad(method.tasks, "parameters", None, None).aggregate(rows, method.tasks)
    assert_close(step, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("beta", [-0.1, 1.1, "a"])
def test_a_beta_out_of_range_is_refused(beta):
    with pytest.raises(ValueError, match=r"weighting\.beta must be a number from 0 to 1"):
        gradvac(2, beta)
