"""IMTL-L against its formula and TorchJD's, and a task without a label under an optimizer."""

import math

import torch
from torch import nn
from torch.testing import assert_close
from torchjd.scalarization import IMTLL as Reference

from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.imtl_l import IMTLL

TASKS = ["digit", "a.b", "type"]


def losses_of(x):
    return {"digit": x.square().sum(), "a.b": (x - 1).abs().sum(), "type": x.exp().sum()}


def scales(method):
    return [method.log_scales[module_key(task)] for task in TASKS]


def test_some_steps_are_those_of_torchjd():
    ours, theirs = IMTLL(TASKS), Reference(3)
    x, y = (nn.Parameter(torch.tensor([0.5, -2.0])) for _ in range(2))
    mine = torch.optim.Adam([x, *ours.parameters()], lr=0.05)
    other = torch.optim.Adam([y, *theirs.parameters()], lr=0.05)
    for _ in range(10):
        mine.zero_grad()
        other.zero_grad()
        weights = ours.backward(losses_of(x), [x], [])
        assert_close(torch.stack(list(weights.values())), theirs.log_scale.detach().exp())
        theirs(torch.stack(list(losses_of(y).values()))).backward()
        mine.step()
        other.step()
    assert_close(x, y)
    assert_close(torch.stack(scales(ours)), theirs.log_scale)


def test_the_slope_of_a_scale_is_the_scaled_loss_less_one():
    method, x = IMTLL(TASKS), nn.Parameter(torch.tensor([0.5, -2.0]))
    with torch.no_grad():
        scales(method)[1].fill_(-0.7)
    method.backward(losses_of(x), [x], [])
    expected = [
        math.exp(-0.7 * (k == 1)) * v.item() - 1 for k, v in enumerate(losses_of(x).values())
    ]
    assert_close([s.grad.item() for s in scales(method)], expected, rtol=1e-5, atol=1e-6)


def test_momentum_does_not_move_a_task_that_is_absent():
    method, x = IMTLL(TASKS), nn.Parameter(torch.tensor([0.5, -2.0]))
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9)
    for present in (TASKS, ["digit", "type"]):
        before = [s.item() for s in scales(method)]
        for parameter in method.parameters():
            parameter.grad = None
        method.backward({t: losses_of(x)[t] for t in present}, [x], [])
        optimizer.step()
    assert [s.item() != old for s, old in zip(scales(method), before, strict=True)] == [
        True,
        False,
        True,
    ]
