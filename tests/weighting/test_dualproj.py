"""DualProj: the mean gradient, projected so that it conflicts with none."""

import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd
from torchjd.linalg import QuadprogProjector

from mtl_cli.weighting.dualproj import DualProj


def dualproj(jacobian, preference=None):
    tasks = [str(k) for k in range(len(jacobian))]
    return DualProj(tasks, "parameters", None, None, preference).aggregate(jacobian, tasks)


@pytest.mark.parametrize("preference", [None, [1.0, 0.1, 3.0, 0.0, 2.0]])
def test_the_step_is_torchjds_where_that_adds_nothing_to_the_gramian(preference):
    torch.manual_seed(0)
    rows = torch.randn(5, 12, dtype=torch.float64) - 0.3
    vector = None if preference is None else torch.tensor(preference, dtype=torch.float64)
    exact = QuadprogProjector(norm_eps=0.0, reg_eps=1e-12)
    assert_close(dualproj(rows, preference)[0], jd.DualProj(vector, projector=exact)(rows))


def test_where_the_mean_conflicts_with_no_task_it_is_the_mean():
    rows = torch.tensor([[1.0, 0.0], [-0.5, 1.0]])  # of which each conflicts with the other
    assert_close(dualproj(rows)[0], rows.mean(0))


def test_where_it_conflicts_with_one_it_is_projected_onto_that_ones_normal_plane():
    a, b = torch.tensor([4.0, 0.0]), torch.tensor([-1.0, 1.0])
    mean = (a + b) / 2
    assert_close(dualproj(torch.stack([a, b]))[0], mean - (mean @ b) / (b @ b) * b)
