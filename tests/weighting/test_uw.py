"""Uncertainty weighting against its formula: values, gradients, and tasks that are absent."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.uw import UW

TASKS = ["digit", "a.b", "type"]  # names that torch's containers refuse, too
S = [0.3, -1.2, 2.0]


def make(values: list[float] = S) -> UW:
    weighting = UW(TASKS, 0.0)
    with torch.no_grad():
        for parameter, value in zip(variances(weighting), values, strict=True):
            parameter.fill_(value)
    return weighting


def variances(weighting: UW) -> list[nn.Parameter]:
    """In the order of the tasks."""
    return [weighting.log_variances[module_key(task)] for task in TASKS]


def losses_of(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"digit": x.square().sum(), "a.b": (x - 1).abs().sum(), "type": x.exp().sum()}


def test_the_scalar_and_its_gradients_are_those_by_hand():
    weighting, x = make(), nn.Parameter(torch.tensor([0.5, -2.0]))
    losses = losses_of(x)
    values = [loss.item() for loss in losses.values()]
    by_hand = sum(0.5 * (math.exp(-s) * v + s) for s, v in zip(S, values, strict=True))
    assert weighting.combine(losses).item() == pytest.approx(by_hand)
    grads = [torch.autograd.grad(loss, x, retain_graph=True)[0] for loss in losses.values()]
    weights = weighting.backward(losses, [x], [])
    assert weights == {
        task: pytest.approx(0.5 * math.exp(-s), rel=1e-6) for task, s in zip(TASKS, S, strict=True)
    }
    assert_close(x.grad, sum(w * g for w, g in zip(weights.values(), grads, strict=True)))
    for parameter, s, value in zip(variances(weighting), S, values, strict=True):
        assert parameter.grad.item() == pytest.approx(0.5 * (1 - math.exp(-s) * value), rel=1e-5)


def test_the_weights_are_the_scalars_derivatives():
    weighting, x = make(), nn.Parameter(torch.tensor([0.5, -2.0]))
    values = {task: loss.detach().requires_grad_() for task, loss in losses_of(x).items()}
    expected = torch.autograd.grad(weighting.combine(values), list(values.values()))
    weights = weighting.backward(losses_of(x), [x], [])
    assert_close(list(weights.values()), list(expected))
    assert not any(weight.requires_grad for weight in weights.values())


def test_an_absent_tasks_parameter_is_untouched():
    weighting, x = make(), nn.Parameter(torch.tensor([0.5, -2.0]))
    losses = losses_of(x)
    del losses["a.b"]
    before = [parameter.item() for parameter in variances(weighting)]
    optimizer = torch.optim.Adam(weighting.parameters(), lr=0.1)
    assert list(weighting.backward(losses, [x], [])) == ["digit", "type"]
    optimizer.step()
    moved = [p.item() != old for p, old in zip(variances(weighting), before, strict=True)]
    assert moved == [True, False, True]


def test_at_the_logarithm_of_the_loss_the_variance_is_at_rest():
    x = nn.Parameter(torch.tensor([0.5, -2.0]))
    weighting = make([math.log(loss.item()) for loss in losses_of(x).values()])
    weighting.backward(losses_of(x), [x], [])
    assert_close([p.grad for p in variances(weighting)], [torch.zeros(())] * 3)


def test_the_architectures_own_term_is_added_as_it_is():
    plain, x = nn.Parameter(torch.tensor([0.5, -2.0])), nn.Parameter(torch.tensor([0.5, -2.0]))
    make().backward(losses_of(plain), [plain], [])
    weights = make().backward(losses_of(x), [x], [], extra=(3 * x).sum())
    assert_close(x.grad, plain.grad + 3)
    assert list(weights) == TASKS


def test_gradients_are_added_to_those_that_are_there():
    plain, x = nn.Parameter(torch.tensor([0.5, -2.0])), nn.Parameter(torch.tensor([0.5, -2.0]))
    make().backward(losses_of(plain), [plain], [])
    x.grad = torch.tensor([7.0, 8.0])
    make().backward(losses_of(x), [x], [])
    assert_close(x.grad, plain.grad + torch.tensor([7.0, 8.0]))


@pytest.mark.parametrize("start", [0, 0.0, -1.5])
def test_every_task_starts_at_the_given_variance_and_has_its_own(start):
    parameters = list(UW(TASKS, start).parameters())
    assert [p.item() for p in parameters] == [start] * 3
    assert len({id(p) for p in parameters}) == 3


def test_the_state_is_kept():
    weighting = UW(TASKS, 0.0)
    weighting.load_state_dict(make().state_dict())
    assert_close([p.item() for p in variances(weighting)], S)


@pytest.mark.parametrize("wrong", ["x", None, torch.nan, torch.inf])
def test_a_wrong_start_is_refused(wrong):
    with pytest.raises(Problem, match=r"^weighting\.initial_log_variance must be a number"):
        UW(TASKS, wrong)
