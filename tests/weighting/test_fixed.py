"""Fixed weights follow the gradient of the losses' plain sum."""

import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.weighting.fixed import Fixed


def net() -> tuple[list[nn.Parameter], list[nn.Parameter], dict[str, torch.Tensor], torch.Tensor]:
    """A shared matrix, a vector for each of two tasks, their losses, and an own term."""
    shared = nn.Parameter(torch.randn(4, 3))
    heads = [nn.Parameter(torch.randn(3)) for _ in range(2)]
    features = torch.randn(5, 4) @ shared
    losses = {n: (features @ h).square().mean() for n, h in zip("ab", heads, strict=True)}
    return [shared], heads, losses, features.abs().mean()


def test_the_gradient_is_that_of_the_sum():
    shared, heads, losses, extra = net()
    expected = torch.autograd.grad(
        losses["a"] + losses["b"] + extra, [*shared, *heads], retain_graph=True
    )
    weights = Fixed(["a", "b"]).backward(losses, shared, heads, extra)
    assert_close([p.grad for p in (*shared, *heads)], list(expected))
    assert weights is None, "it adds none to the tasks' own"


def test_gradients_are_added_to_those_that_are_there():
    shared, heads, losses, _ = net()
    (expected,) = torch.autograd.grad(losses["a"] + losses["b"], shared, retain_graph=True)
    shared[0].grad = torch.full_like(shared[0], 7.0)
    Fixed(["a", "b"]).backward(losses, shared, heads)
    assert_close(shared[0].grad, expected + 7)


def test_an_absent_task_is_left_alone():
    shared, heads, losses, _ = net()
    Fixed(["a", "b"]).backward({"b": losses["b"]}, shared, heads)
    assert heads[0].grad is None
    assert heads[1].grad is not None


def test_there_is_nothing_to_learn_and_only_a_count_to_keep():
    assert set(Fixed(["a", "b"]).state_dict()) == {"failures"}
    assert not list(Fixed(["a", "b"]).parameters())
