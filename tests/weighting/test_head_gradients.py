"""Weights that count for the heads too: the gradient of the weighted losses, on all parameters."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.weighting.excess_mtl import ExcessMTL
from mtl_cli.weighting.nash_mtl import NashMTL
from mtl_cli.weighting.part import Part
from mtl_cli.weighting.uw import UW

TASKS = ["a", "b", "c"]
nash = partial(NashMTL, on="parameters", chunk_size=None, losses=None, max_norm=1.0)
excess = partial(
    ExcessMTL, on="parameters", chunk_size=None, losses=None, step_size=1.0, warmup_steps=0
)
each = pytest.mark.parametrize("make", [nash, excess], ids=["nash_mtl", "excess_mtl"])


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Linear(6, 4)
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in TASKS)
        self.parts = torch.randn(2, 8, 6)

    def losses(self, part=0, tasks=TASKS):
        features = self.trunk(self.parts[part]).tanh()
        both = zip(TASKS, self.heads, strict=True)
        each = {task: (k + head(features)).square().mean() for k, (task, head) in enumerate(both)}
        return {task: each[task] for task in tasks}

    def backward(self, method, part=0, tasks=TASKS, factor=1.0):
        losses = {task: factor * loss for task, loss in self.losses(part, tasks).items()}
        return method.backward(losses, list(self.trunk.parameters()), list(self.heads.parameters()))

    def grads(self):
        return {name: p.grad for name, p in self.named_parameters()}


def weighted(*steps):
    """The gradients of the sum of these losses, each with its weight, by one backward pass."""
    net = Net()
    for part, weights in steps:
        losses = net.losses(part, list(weights))
        sum(weights[task] * loss for task, loss in losses.items()).backward()
    return net.grads()


@each
def test_all_parameters_follow_the_weighted_losses(make):
    net, method = Net(), make(TASKS, weigh_heads=True)
    net.backward(method, 1)  # ExcessMTL's weights are even in its first step
    net.zero_grad()
    used = net.backward(method)
    assert len({round(float(weight), 4) for weight in used.values()}) > 1
    assert_close(net.grads(), weighted((0, used)))


@each
def test_a_head_without_a_label_gets_nothing(make):
    net = Net()
    used = net.backward(make(TASKS, weigh_heads=True), tasks=["a", "c"])
    assert_close(net.grads(), weighted((0, used)))
    assert net.heads[1].weight.grad is None


@each
@pytest.mark.parametrize("flushed", [False, True])
def test_parts_of_a_step_have_the_weights_of_the_whole(make, flushed):
    net, method = Net(), make(TASKS, weigh_heads=True)
    method.begin(Part(is_last=False))
    net.backward(method, 0)
    assert all(grad is None for grad in net.grads().values())
    method.begin(Part(is_last=not flushed))
    used = net.backward(method, 1, ["a", "b"])
    if flushed:
        used = method.flush(list(net.trunk.parameters()), list(net.heads.parameters()))
    some = {task: used[task] for task in ("a", "b")}
    assert_close(net.grads(), weighted((0, used), (1, some)))


@each
def test_gradients_are_added_to_those_that_are_there_and_the_next_step_starts_anew(make):
    net, method = Net(), make(TASKS, weigh_heads=True)
    first = net.backward(method)
    second = net.backward(method)
    assert_close(net.grads(), weighted((0, first), (0, second)))


@each
def test_scaled_gradients_stay_scaled(make):
    net, method = Net(), make(TASKS, weigh_heads=True)
    method.begin(Part(scale=1024.0))
    used = net.backward(method, factor=1024.0)
    expected = {name: 1024 * grad for name, grad in weighted((0, used)).items()}
    assert_close(net.grads(), expected, rtol=1e-5, atol=1e-3)


@each
def test_the_weights_of_a_loss_weighting_before_count_once(make):
    before = partial(UW, initial_log_variance=0.3)
    net, method = Net(), make(TASKS, weigh_heads=True, losses=before)
    used = net.backward(method)
    assert_close(net.grads(), weighted((0, used)))


@each
def test_without_shared_parameters_it_is_the_plain_gradient(make):
    net = Net()
    make(TASKS, weigh_heads=True).backward(net.losses(), [], list(net.parameters()))
    assert_close(net.grads(), weighted((0, dict.fromkeys(TASKS, 1.0))))


@each
def test_it_is_said_by_true_or_false(make):
    with pytest.raises(ValueError, match=r"weighting\.weigh_heads must be true or false"):
        make(TASKS, weigh_heads="some")
