"""ConFIG: the same angle with every gradient."""

import pytest
import torch
from torch.testing import assert_close
from torchjd import aggregation as jd

from mtl_cli.weighting.con_fig import ConFIG


def con_fig(jacobian, preference=None):
    tasks = [str(k) for k in range(len(jacobian))]
    return ConFIG(tasks, "parameters", None, None, preference).aggregate(jacobian, tasks)


@pytest.mark.parametrize("preference", [None, [1.0, 0.1, 3.0, 0.5, 2.0]])
def test_the_step_is_torchjds_on_the_jacobian(preference):
    torch.manual_seed(0)
    rows = torch.randn(5, 40, dtype=torch.float64)
    vector = None if preference is None else torch.tensor(preference, dtype=torch.float64)
    assert_close(con_fig(rows, preference)[0], jd.ConFIG(vector)(rows))


def test_it_makes_one_angle_with_every_gradient_and_is_as_long_as_their_projections():
    torch.manual_seed(0)
    rows = torch.randn(5, 40) * torch.logspace(-2, 2, 5)[:, None]
    step, _ = con_fig(rows)
    cosines = torch.cosine_similarity(rows, step[None], dim=1)
    assert_close(cosines, cosines[:1].expand(5), rtol=1e-4, atol=0)
    assert cosines[0] > 0
    assert_close(step.norm(), (rows @ step).sum() / step.norm())


def test_a_task_alone_gets_its_gradient_and_equal_ones_their_sum():
    row = torch.randn(1, 6)
    assert_close(con_fig(row)[0], row[0])
    assert_close(con_fig(row.repeat(4, 1))[0], 4 * row[0])
