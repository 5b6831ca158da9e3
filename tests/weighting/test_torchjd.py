"""TorchJD's methods: as they are, with their state, and with what they refuse."""

import io

import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd

from mtl_cli.weighting.torchjd import TorchJD

TASKS = ["a", "b", "c"]


def library(method, preference=None):
    return TorchJD(TASKS, "parameters", None, None, preference, method)


METHODS = {
    "imtl_g": jd.IMTLG,
    "aligned_mtl": jd.AlignedMTL,
    "upgrad": jd.UPGrad,
    "config": jd.ConFIG,
    "krum": lambda: jd.Krum(0, 2),
    "trimmed": lambda: jd.TrimmedMean(1),
}
STATEFUL = {"gradvac": jd.GradVac, "excess": jd.ExcessMTL, "pcd": lambda: jd.PCD(tau=0.9)}


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_the_step_is_the_methods(make):
    torch.manual_seed(0)
    rows = torch.randn(3, 10)
    step, weights = library(make()).aggregate(rows, TASKS)
    assert_close(step, make()(rows), rtol=1e-4, atol=1e-5)
    if weights is not None:
        assert_close(weights @ rows, step)


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL)
def test_a_state_is_saved_wherever_the_method_keeps_it(make):
    torch.manual_seed(0)
    first, second = library(make()), library(make())
    for _ in range(3):
        first.aggregate(torch.randn(3, 10), TASKS)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    fresh, rows = library(make()), torch.randn(3, 10)
    steps = []
    for method in (first, second, fresh):
        torch.manual_seed(1)
        steps.append(method.aggregate(rows, TASKS)[0])
    assert torch.equal(steps[0], steps[1])
    assert not torch.equal(steps[0], steps[2])


def test_imtl_g_projects_equally_on_all_gradients():
    torch.manual_seed(0)
    rows = torch.randn(3, 10, dtype=torch.float64)
    step, weights = library(jd.IMTLG()).aggregate(rows, TASKS)
    projections = rows @ step / rows.norm(dim=1)
    assert_close(projections, projections[:1].expand(3))
    assert_close(weights.sum(), torch.ones((), dtype=torch.float64))


def test_aligned_mtl_mixes_gradients_that_are_made_orthogonal_and_equally_long():
    torch.manual_seed(0)
    rows = torch.randn(3, 10, dtype=torch.float64)
    step, _ = library(jd.AlignedMTL()).aggregate(rows, TASKS)
    u, s, v = torch.linalg.svd(rows, full_matrices=False)
    assert_close(step, (s.min() * u @ v).mean(0))


def test_a_preference_is_the_methods_and_follows_the_tasks_that_are_present():
    torch.manual_seed(0)
    rows, preference = torch.randn(3, 10), [1.0, 0.1, 3.0]
    method = library(jd.AlignedMTL(), preference)
    expected = jd.AlignedMTL(torch.tensor(preference))(rows)
    assert_close(method.aggregate(rows, TASKS)[0], expected)
    two = rows[[0, 2]]
    expected = jd.AlignedMTL(torch.tensor([1.0, 3.0]))(two)
    assert_close(method.aggregate(two, ["a", "c"])[0], expected)


def test_a_preference_needs_a_method_that_takes_one():
    with pytest.raises(ValueError, match="IMTLG, which takes none"):
        library(jd.IMTLG(), [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"weighting\.preference must have a number for each task"):
        library(jd.AlignedMTL(), [1.0])


def test_what_a_method_refuses_it_refuses_at_once():
    with pytest.raises(ValueError, match="Invalid scale_mode"):
        library(jd.AlignedMTL(scale_mode="none"))


def test_trying_a_method_out_leaves_no_trace():
    torch.manual_seed(0)
    method, state = jd.GradVac(), torch.get_rng_state()
    library(method)
    assert torch.equal(torch.get_rng_state(), state)
    assert method.gramian_weighting._phi_t is None


def test_a_method_that_fails_is_counted():
    class Fails(jd.IMTLG):
        def __init__(self):
            super().__init__()
            self.calls = 0
            self.gramian_weighting = self

        def forward(self, stat):
            self.calls += 1
            if len(stat) == 2:
                raise RuntimeError("no solution")
            return torch.ones(len(stat))

    method = library(Fails())
    rows = torch.randn(2, 10)
    step, weights = method.aggregate(rows, ["a", "b"])
    assert method.failures == 1
    assert_close(step, rows.mean(0))
    assert weights.tolist() == [0.5, 0.5]
