"""CORN against its sum by hand, binary cross-entropy, and the chances that it is made of."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.loss.corn import CORN


def draw(num_classes, *shape):
    generator = torch.Generator().manual_seed(0)
    first, *rest = shape
    size = (first, num_classes - 1, *rest)
    output = 3 * torch.randn(size, generator=generator, dtype=torch.float64)
    return output, torch.randint(num_classes, shape, generator=generator)


def by_hand(output, target):
    """Each example's loss, from the chances to go on, one after the other."""
    losses = []
    for chances, label in zip(1 / (1 + np.exp(-output.numpy())), target.tolist(), strict=True):
        likelihood = 1.0
        for k, chance in enumerate(chances[: label + 1]):
            likelihood *= chance if label > k else 1 - chance
        losses.append(-math.log(likelihood))
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_it_is_minus_the_logarithm_of_the_chance_of_the_class(num_classes):
    output, target = draw(num_classes, 40)
    each = by_hand(output, target)
    loss = CORN(None)
    assert_close(loss(output, target), each.mean())
    weight = torch.rand(num_classes, dtype=torch.float64)
    assert_close(CORN(weight)(output, target), (weight[target] * each).sum() / weight[target].sum())
    loss.reduction = "none"
    assert_close(loss(output, target), each)
    order = torch.randperm(40)
    assert_close(loss(output[order], target[order]), each[order])


def test_of_two_classes_it_is_the_binary_cross_entropy():
    output, target = draw(2, 30)
    plain = F.binary_cross_entropy_with_logits(output[:, 0], target.double())
    assert_close(CORN(None)(output, target), plain)


def test_each_pixel_of_a_map_is_an_example():
    output, target = draw(4, 2, 3, 5)
    rows = output.movedim(1, -1).reshape(-1, 3)
    assert_close(CORN(None)(output, target), CORN(None)(rows, target.flatten()))


def test_an_output_that_an_example_has_no_answer_to_gets_no_gradient():
    output = torch.zeros(2, 3, requires_grad=True)
    CORN(None)(output, torch.tensor([0, 2])).backward()
    assert output.grad.tolist() == [[0.25, 0, 0], [-0.25, -0.25, 0.25]]


@pytest.mark.parametrize("logit", [-1e4, -30.0, 0.0, 30.0, 1e4])
def test_it_is_finite_for_any_certainty(logit):
    output = torch.full((3, 2), logit, requires_grad=True)
    loss = CORN(None)(output, torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss.isfinite()
    assert output.grad.isfinite().all()


def test_one_weight_for_all_classes_is_refused():
    with pytest.raises(Problem, match=r"loss\.weight must have a weight for each class"):
        CORN(torch.tensor([2.0]))
