"""The logit of a product of probabilities is exact where probabilities are all but 0 or 1."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.functional import logsigmoid

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.task.base import Parts
from mtl_cli.task.product import Product

LOGITS = [-400.0, -87.0, -20.0, -1.5, -1e-3, 0.0, 0.7, 16.0, 50.0, 88.5, 100.0, 400.0]


def product_of(names):
    return Product(Parts("p", "x", Linear, nn.BCEWithLogitsLoss(), {}, {}, 1.0), names)


def log_odds(logits):
    """Those of the product [B] of the probabilities of logits [B, N], and their gradient [B, N]."""
    exact = logits.double()
    log_p = logsigmoid(exact).sum(1)
    log_rest = (-torch.expm1(log_p)).log()  # of 1 - p
    return log_p - log_rest, (logsigmoid(-exact) - log_rest.unsqueeze(1)).exp()


@pytest.mark.parametrize("number", [2, 3])
def test_value_and_gradient_are_those_in_double_precision(number):
    logits = torch.tensor([*itertools.product(LOGITS, repeat=number)], requires_grad=True)
    outputs = [logits[:, k : k + 1] for k in range(number)]
    found = product_of(list("abc"[:number])).derive(outputs)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    expected, slope = log_odds(logits.detach())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.squeeze(1).double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient.double(), slope, rtol=1e-4, atol=1e-30)


def test_half_precision_is_multiplied_in_single():
    low = torch.tensor([[12.0]], dtype=torch.bfloat16)
    assert product_of(["a", "b"]).derive([low, low]).dtype == torch.float32


@pytest.mark.parametrize("of", [None, "ctr", [], ["ctr"], ["ctr", "ctr"], ["ctr", 1], {"a": "b"}])
def test_what_names_no_two_tasks_is_refused(of):
    with pytest.raises(Problem, match=r"tasks\.p\.of must name the tasks"):
        product_of(of)
