"""PCD: the primary gradient, as far as the others allow."""

import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd

from mtl_cli.weighting.pcd import PCD


def pcd(count=4, primary=None, tau=0.02, beta=0.999):
    tasks = [f"t{k}" for k in range(count)]
    return PCD(tasks, "parameters", None, None, primary, tau, beta)


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_the_steps_are_torchjds(tau, beta):
    torch.manual_seed(0)
    ours, theirs = pcd(tau=tau, beta=beta), jd.PCD(tau=tau, beta=beta)
    for _ in range(4):
        rows = torch.randn(4, 12, dtype=torch.float64)
        step, _ = ours.aggregate(rows, ours.tasks)
        assert_close(step, theirs(rows), rtol=1e-4, atol=1e-4)


def test_every_other_task_gains_its_share_and_the_primary_the_most_that_leaves():
    torch.manual_seed(0)
    rows = torch.randn(5, 30, dtype=torch.float64)
    rows[1] -= 2 * rows[0]
    units = rows / rows.norm(dim=1, keepdim=True)  # of a first step, or where beta is 0
    step, weights = pcd(5, tau=0.1, beta=0.0).aggregate(rows, [f"t{k}" for k in range(5)])
    assert_close(step.norm(), rows[0].norm())
    d = step * float((weights[0] * rows[0].norm()) ** -1)  # so that the primary's weight is 1
    assert (units[1:] @ d >= 0.1 - 1e-6).all()
    assert_close(float(units[1] @ d), 0.1, atol=1e-5, rtol=0)


def test_without_conflict_it_is_the_primarys_gradient():
    rows = torch.randn(4, 30).abs()
    assert_close(pcd().aggregate(rows, pcd().tasks)[0], rows[0])
    assert_close(pcd(primary="t2").aggregate(rows, pcd().tasks)[0], rows[2])


def test_the_primary_task_is_named_and_the_first_of_the_present_ones_stands_in_for_it():
    rows = torch.randn(2, 30).abs()
    method = pcd(primary="t2")
    assert_close(method.aggregate(rows, ["t1", "t3"])[0], rows[0])
    assert_close(method.aggregate(rows, ["t1", "t2"])[0], rows[1])


def test_the_scale_of_an_other_task_does_not_matter():
    torch.manual_seed(0)
    rows = torch.randn(4, 12, dtype=torch.float64)
    scales = torch.tensor([1.0, 100.0, 0.01, 7.0], dtype=torch.float64)[:, None]
    one, _ = pcd(tau=0.3).aggregate(rows, pcd().tasks)
    other, _ = pcd(tau=0.3).aggregate(scales * rows, pcd().tasks)
    assert_close(other, one, rtol=1e-3, atol=1e-3)


def test_others_that_no_step_serves_are_dropped_and_counted():
    rows = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    method = pcd(3, tau=0.5)
    assert_close(method.aggregate(rows, method.tasks)[0], rows[0])
    assert method.failures == 1


@pytest.mark.parametrize(
    ("options", "option"),
    [({"primary": "t9"}, "primary"), ({"tau": 1.5}, "tau"), ({"beta": 1.0}, "beta")],
)
def test_options_out_of_range_are_refused(options, option):
    with pytest.raises(ValueError, match=rf"weighting\.{option} must be"):
        pcd(**options)
