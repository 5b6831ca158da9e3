"""Dynamic weight average against its formula and TorchJD's, and with tasks that are absent."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchjd.scalarization import DWA as Reference

from mtl_cli.basis.errors import Problem
from mtl_cli.weighting.dwa import DWA

TASKS = ["a", "b", "c"]
EPOCHS = [[2.0, 5.0, 1.0], [1.0, 4.5, 1.0], [0.9, 2.0, 1.2], [0.85, 2.5, 0.3]]


def leaves(tasks=TASKS):
    return {task: nn.Parameter(torch.tensor(1.0)) for task in tasks}


def weights_of(method, tasks=TASKS):
    return [weight.item() for weight in method.backward(leaves(tasks), [], []).values()]


def by_hand(newer, older, temperature):
    rates = [math.exp(n / o / temperature) for n, o in zip(newer, older, strict=True)]
    return [len(rates) * rate / sum(rates) for rate in rates]


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_weights_are_those_by_hand_of_the_last_two_epochs(temperature):
    method = DWA(TASKS, temperature)
    for number, means in enumerate(EPOCHS):
        expected = [1.0] * 3
        if number >= 2:
            expected = by_hand(EPOCHS[number - 1], EPOCHS[number - 2], temperature)
        assert weights_of(method) == pytest.approx(expected, rel=1e-5)
        method.end_epoch(dict(zip(TASKS, means, strict=True)))


def test_with_all_tasks_there_it_is_torchjds():
    ours, theirs = DWA(TASKS, 2.0), Reference(2.0)
    torch.manual_seed(0)
    for _ in range(4):
        seen = []
        for _ in range(3):
            values = torch.rand(3) + 0.5
            seen.append(values)
            one = {t: nn.Parameter(v.clone()) for t, v in zip(TASKS, values, strict=True)}
            scalar = theirs(values)
            assert_close(ours.combine(one).detach(), scalar)
        theirs.step()
        ours.end_epoch(dict(zip(TASKS, torch.stack(seen).mean(0).tolist(), strict=True)))


def test_tasks_that_are_there_share_the_weight_among_themselves():
    method = DWA(TASKS, 2.0)
    for means in EPOCHS[:2]:
        method.end_epoch(dict(zip(TASKS, means, strict=True)))
    newer, older = ([EPOCHS[i][k] for k in (2, 0)] for i in (1, 0))
    assert weights_of(method, ["c", "a"]) == pytest.approx(by_hand(newer, older, 2.0))


def test_an_epoch_without_a_label_leaves_a_tasks_means_as_they_are():
    method = DWA(TASKS, 2.0)
    for means in EPOCHS[:2]:
        method.end_epoch(dict(zip(TASKS, means, strict=True)))
    before = method.means.clone()
    method.end_epoch({"a": 0.1, "c": 0.7})
    assert_close(method.means[:, 1], before[:, 1])
    assert method.means[:, 0].tolist() == pytest.approx([before[1, 0].item(), 0.1])


def test_a_task_with_a_single_epoch_counts_as_standing_still():
    method = DWA(["a", "b"], 1.0)
    method.end_epoch({"a": 4.0})
    method.end_epoch({"a": 1.0, "b": 3.0})
    assert weights_of(method, ["a", "b"]) == pytest.approx(by_hand([0.25, 1.0], [1.0, 1.0], 1.0))


@pytest.mark.parametrize("wrong", [0, -1.0, "x", math.nan])
def test_a_wrong_temperature_is_refused(wrong):
    with pytest.raises(Problem, match=r"^weighting\.temperature must be"):
        DWA(TASKS, wrong)
