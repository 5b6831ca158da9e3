"""UPGrad: the mean of the gradients, each projected so that it conflicts with none."""

import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd
from torchjd.linalg import QuadprogProjector

from mtl_cli.weighting.upgrad import UPGrad


def upgrad(jacobian, preference=None):
    tasks = [str(k) for k in range(len(jacobian))]
    return UPGrad(tasks, "parameters", None, None, preference).aggregate(jacobian, tasks)


@pytest.mark.parametrize("preference", [None, [1.0, 0.1, 3.0, 0.0, 2.0]])
def test_the_step_is_torchjds_where_that_adds_nothing_to_the_gramian(preference):
    torch.manual_seed(0)
    rows = torch.randn(5, 12, dtype=torch.float64) - 0.3
    vector = None if preference is None else torch.tensor(preference, dtype=torch.float64)
    exact = QuadprogProjector(norm_eps=0.0, reg_eps=1e-12)
    assert_close(upgrad(rows, preference)[0], jd.UPGrad(vector, projector=exact)(rows))


def test_without_conflict_it_is_the_mean():
    rows = torch.randn(4, 30).abs()
    step, weights = upgrad(rows)
    assert_close(step, rows.mean(0))
    assert_close(weights, torch.full((4,), 0.25))


def test_of_two_conflicting_tasks_it_projects_each_onto_the_others_normal_plane():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    projected = torch.stack([a - (a @ b) / (b @ b) * b, b - (a @ b) / (a @ a) * a])
    assert_close(upgrad(torch.stack([a, b]))[0], projected.mean(0))


def test_a_preference_follows_the_tasks_that_are_present():
    torch.manual_seed(0)
    rows = torch.randn(3, 8)
    method = UPGrad(["a", "b", "c"], "parameters", None, None, [1.0, 0.1, 3.0])
    step, _ = method.aggregate(rows[[0, 2]], ["a", "c"])
    assert_close(step, upgrad(rows[[0, 2]], [1.0, 3.0])[0])


@pytest.mark.parametrize("preference", [[1.0], [1.0, -1.0, 1.0], ["a", 1.0, 1.0], 3.0, [0, 0, 0]])
def test_a_preference_of_the_wrong_length_or_sign_is_refused(preference):
    with pytest.raises(ValueError, match=r"weighting\.preference"):
        upgrad(torch.eye(3), preference)
