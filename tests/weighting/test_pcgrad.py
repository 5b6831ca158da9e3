"""PCGrad: the projections, one after the other, as the algorithm has them."""

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.weighting.gramian import random_orders
from mtl_cli.weighting.pcgrad import PCGrad


def pcgrad(jacobian):
    tasks = [str(k) for k in range(len(jacobian))]
    return PCGrad(tasks, "parameters", None, None).aggregate(jacobian, tasks)


def by_hand(rows, orders):
    """Algorithm 1 on the gradients themselves."""
    total = torch.zeros_like(rows[0])
    for k, order in enumerate(orders):
        own = rows[k].clone()
        for j in order:
            if own @ rows[j] < 0:
                own -= (own @ rows[j]) / rows[j].square().sum() * rows[j]
        total += own
    return total


def test_of_two_conflicting_tasks_each_is_projected_onto_the_others_normal_plane():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    projected = (a - (a @ b) / (b @ b) * b) + (b - (a @ b) / (a @ a) * a)
    assert_close(pcgrad(torch.stack([a, b]))[0], projected)


def test_without_conflict_it_is_the_sum():
    rows = torch.randn(4, 30).abs()
    assert_close(pcgrad(rows)[0], rows.sum(0))


@pytest.mark.parametrize("count", [2, 3, 8, 20])
def test_the_step_is_the_algorithms(count):
    torch.manual_seed(count)
    rows = torch.randn(count, 10, dtype=torch.float64)
    torch.manual_seed(7)
    orders = random_orders(count)
    torch.manual_seed(7)
    assert_close(pcgrad(rows)[0], by_hand(rows, orders))


def test_another_draw_is_another_order():
    torch.manual_seed(0)
    rows = torch.randn(8, 10)
    one, other = pcgrad(rows)[0], pcgrad(rows)[0]
    assert not torch.allclose(one, other)
