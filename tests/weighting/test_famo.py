"""FAMO against TorchJD's and its formula, with tasks that are absent and steps in several parts."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchjd.scalarization import FAMO as Reference

from mtl_cli.basis.errors import Problem
from mtl_cli.weighting.famo import FAMO

TASKS = ["a", "b", "c"]


def make(tasks=TASKS, bounds=None, lr=0.1, weight_decay=0.01):
    return FAMO(tasks, bounds, lr, weight_decay)


def losses_of(x):
    return {"a": x.square().sum() + 0.1, "b": (x - 1).square().sum(), "c": x.exp().sum()}


def weights_of(method, losses):
    method.before = {}
    return torch.stack(list(method.backward(losses, [], []).values()))


@pytest.mark.parametrize("bounds", [None, [0.05, -1.0, 0.2]])
def test_a_training_is_torchjds(bounds):
    given = None if bounds is None else torch.tensor(bounds)
    ours, theirs = make(bounds=bounds), Reference(3, given, lr=0.1, weight_decay=0.01)
    x, y = (nn.Parameter(torch.tensor([0.5, -2.0])) for _ in range(2))
    mine, other = (torch.optim.SGD([p], lr=0.05) for p in (x, y))
    for _ in range(15):
        mine.zero_grad()
        other.zero_grad()
        ours.backward(losses_of(x), [x], [])
        theirs(torch.stack(list(losses_of(y).values()))).backward()
        assert_close(x.grad, y.grad)
        mine.step()
        other.step()
        ours.after_step(lambda: losses_of(x))
        theirs.update(torch.stack(list(losses_of(y).values())))
    assert_close(ours.logits, theirs._w.detach())
    assert ours.logits.abs().max() > 0.1
    assert_close(x, y)


def test_the_weights_sum_to_1_and_follow_the_logits():
    method, x = make(), nn.Parameter(torch.tensor([0.5, -2.0]))
    method.logits.copy_(torch.tensor([0.3, -1.0, 0.0]))
    losses = losses_of(x)
    each = [math.exp(w) / v.item() for w, v in zip([0.3, -1.0, 0.0], losses.values(), strict=True)]
    expected = torch.tensor([e / sum(each) for e in each])
    assert_close(weights_of(method, losses), expected)


def test_what_fell_fast_loses_weight():
    method = make(weight_decay=0.0)
    before = losses_of(torch.tensor([0.5, -2.0]))
    method.backward({task: nn.Parameter(loss) for task, loss in before.items()}, [], [])
    method.after_step(lambda: before | {"b": before["b"] / 2})
    assert method.logits[1] < method.logits[0] == method.logits[2]


def test_an_absent_task_is_as_if_there_were_none():
    """The others' training is that of a FAMO that does not know it, and its own state stays."""
    all_three, two = make(), make(["a", "c"])
    x = torch.tensor([0.5, -2.0])
    for step in range(5):
        losses = {t: loss for t, loss in losses_of(x - 0.1 * step).items() if t != "b"}
        leaves = {t: nn.Parameter(loss) for t, loss in losses.items()}
        for method in (all_three, two):
            method.backward(leaves, [], [])
            method.after_step(lambda step=step: losses_of(x - 0.1 * step - 0.1))
    assert_close(all_three.logits[[0, 2]], two.logits)
    assert_close(all_three.moments[:, [0, 2]], two.moments)
    for state in (all_three.logits, all_three.steps, all_three.moments.T):
        assert (state[1] == 0).all()


def test_the_parts_of_a_step_count_by_their_mean():
    whole, parts = make(), make()
    x = torch.tensor([0.5, -2.0])
    low, high = losses_of(x), losses_of(x - 1)
    mean = {task: (low[task] + high[task]) / 2 for task in TASKS}
    whole.backward({t: nn.Parameter(v) for t, v in mean.items()}, [], [])
    for part in (low, high):
        parts.backward({t: nn.Parameter(v) for t, v in part.items()}, [], [])
    for method in (whole, parts):
        method.after_step(lambda: losses_of(x + 0.2))
    assert_close(whole.logits, parts.logits)


def test_the_second_forward_pass_is_without_gradients():
    method = make()
    method.backward({t: nn.Parameter(torch.tensor(1.0)) for t in TASKS}, [], [])
    enabled = []

    def closure():
        enabled.append(torch.is_grad_enabled())
        return {t: torch.tensor(0.9) for t in TASKS}

    method.after_step(closure)
    assert enabled == [False]


def test_after_a_step_without_a_label_nothing_is_computed():
    make().after_step(lambda: pytest.fail("it was"))


def test_a_loss_below_its_bound_is_named_and_one_at_it_is_fine():
    losses = {t: nn.Parameter(torch.tensor(v)) for t, v in zip(TASKS, [1.0, 0.4, 0.0], strict=True)}
    weights = make().backward(losses, [], [])
    assert torch.stack(list(weights.values())).isfinite().all()
    with pytest.raises(Problem, match="the loss of task 'b' must be at least its weighting"):
        make(bounds=[0.0, 0.5, 0.0]).backward(losses, [], [])


@pytest.mark.parametrize("bounds", [[0.0], [0.0, math.inf, 0.0], 1.0])
def test_wrong_bounds_are_refused(bounds):
    with pytest.raises(Problem, match=r"weighting\.lower_bounds must"):
        make(bounds=bounds)


@pytest.mark.parametrize(("option", "wrong"), [("lr", -0.1), ("weight_decay", math.nan)])
def test_a_parameter_out_of_its_range_is_refused(option, wrong):
    with pytest.raises(Problem, match=rf"^weighting\.{option} must be"):
        make(**{option: wrong})
