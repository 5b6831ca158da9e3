"""DB-MTL against its algorithm by hand, over steps, with absent tasks, and without an average."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.weighting.db_mtl import DBMTL

TASKS = ["a", "b", "c"]


def make(tasks=TASKS, beta=0.9, beta_decay=0.5):
    return DBMTL(tasks, "parameters", None, beta, beta_decay)


def losses_of(x, present=TASKS):
    losses = {
        "a": x.square().sum() + 1,
        "b": 100 * (x - 1).square().sum() + 1,
        "c": 0.01 * x.exp().sum(),
    }
    return {task: losses[task] for task in present}


def log_gradients(x, present=TASKS):
    """The gradients of the logarithms, from those of the losses."""
    return {
        task: (torch.autograd.grad(loss, x)[0] / loss.detach()).double().numpy()
        for task, loss in losses_of(x, present).items()
    }


def test_every_step_is_that_of_the_algorithm():
    method, x = make(), nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
    average, steps = {task: np.zeros(4) for task in TASKS}, dict.fromkeys(TASKS, 0)
    for present in (TASKS, TASKS, ["a", "c"], ["b"], TASKS):
        for task, grad in log_gradients(x, present).items():
            steps[task] += 1
            keep = 0.9 / steps[task] ** 0.5
            average[task] = keep * average[task] + (1 - keep) * grad
        lengths = {task: np.linalg.norm(average[task]) for task in present}
        longest = max(lengths.values())
        expected = sum(longest / lengths[task] * average[task] for task in present)
        x.grad = None
        assert method.backward(losses_of(x, present), [x], []) is None
        assert_close(x.grad.double().numpy(), expected, rtol=1e-4, atol=1e-6)
        with torch.no_grad():
            x -= 0.1 * x.grad


def test_without_an_average_all_tasks_step_equally_far():
    method, x = make(beta=0.0), nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
    for _ in range(3):
        grads = log_gradients(x)
        longest = max(np.linalg.norm(grad) for grad in grads.values())
        expected = sum(grad / np.linalg.norm(grad) for grad in grads.values()) * longest
        x.grad = None
        method.backward(losses_of(x), [x], [])
        assert_close(x.grad.double().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_no_unit_of_a_loss_counts():
    steps = []
    for unit in (1.0, 1000.0):
        x = nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
        losses = losses_of(x)
        make().backward(losses | {"b": unit * losses["b"]}, [x], [])
        steps.append(x.grad)
    assert_close(steps[0], steps[1], rtol=1e-4, atol=1e-6)


def test_specific_parameters_follow_the_sum_of_the_logarithms():
    x, heads = nn.Parameter(torch.tensor([0.5, -2.0])), nn.Parameter(torch.tensor([2.0, 3.0, 4.0]))
    values = (heads * x.square().sum()).unbind()
    losses = dict(zip(TASKS, values, strict=True))
    make().backward(losses, [x], [heads])
    assert_close(heads.grad, 1 / heads.detach())


def test_a_loss_of_0_is_fine_and_one_below_is_named():
    x = nn.Parameter(torch.tensor([0.0, 0.0]))
    losses = losses_of(x) | {"c": x.square().sum()}
    make().backward(losses, [x], [])
    assert x.grad.isfinite().all()
    with pytest.raises(Problem, match="the loss of task 'c' must be at least 0"):
        make().backward(losses | {"c": x.sum() - 1}, [x], [])


def test_of_features_there_is_no_average():
    with pytest.raises(Problem, match=r"^weighting\.on must be one of parameters"):
        DBMTL(TASKS, "features", None, 0.9, 0.5)


@pytest.mark.parametrize(("option", "wrong"), [("beta", 1.5), ("beta", -0.1), ("beta_decay", -1)])
def test_a_parameter_out_of_its_range_is_refused(option, wrong):
    with pytest.raises(Problem, match=rf"^weighting\.{option} must be"):
        make(**{option: wrong})
