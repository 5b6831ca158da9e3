"""IMTL as the YAML puts it together: IMTL-G's equal projections of IMTL-L's scaled gradients."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn
from torch.testing import assert_close

CONF = Path(__file__).parent.parent.parent / "conf" / "weighting"
TASKS = ["a", "b", "c"]


@pytest.fixture
def imtl():
    method = instantiate(OmegaConf.load(CONF / "imtl.yaml"), _convert_="all")(tasks=TASKS)
    with torch.no_grad():
        for parameter, value in zip(method.parameters(), [0.5, -1.0, 0.2], strict=True):
            parameter.fill_(value)
    return method


def losses_of(x):
    return {"a": x.square().sum(), "b": 3 * (x - 1).square().sum(), "c": (x * x.exp()).sum()}


def test_the_step_is_the_mean_of_scaled_gradients_with_equal_projections(imtl):
    """Weights of sum 1 on ``exp(s_k) g_k``, by the paper's equations (6 and 7) with an inverse."""
    x = nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
    scales = [s.exp().item() for s in imtl.parameters()]
    grads = [torch.autograd.grad(loss, x)[0] for loss in losses_of(x).values()]
    rows = torch.stack([scale * grad for scale, grad in zip(scales, grads, strict=True)])
    units = rows / rows.norm(dim=1, keepdim=True)
    between, apart = rows[0] - rows[1:], units[0] - units[1:]
    rest = rows[0] @ apart.T @ torch.linalg.inv(between @ apart.T)
    weights = torch.cat([1 - rest.sum(0, keepdim=True), rest])
    used = imtl.backward(losses_of(x), [x], [])
    assert_close(x.grad, weights @ rows, rtol=1e-3, atol=1e-3)
    assert_close(units @ x.grad, (units[0] @ x.grad).expand(3), rtol=1e-3, atol=1e-3)
    assert_close(
        torch.stack(list(used.values())), weights * torch.tensor(scales), rtol=1e-3, atol=0
    )


def test_the_scales_are_learned_as_those_of_imtl_l(imtl):
    x = nn.Parameter(torch.tensor([0.5, -2.0, 0.1, 1.0]))
    imtl.backward(losses_of(x), [x], [])
    for parameter, loss in zip(imtl.parameters(), losses_of(x).values(), strict=True):
        assert parameter.grad.item() == pytest.approx((parameter.exp() * loss - 1).item(), rel=1e-4)


def test_specific_parameters_follow_the_scaled_losses(imtl):
    x, heads = nn.Parameter(torch.tensor([0.5, -2.0])), nn.Parameter(torch.ones(3))
    values = heads * torch.stack(list(losses_of(x).values()))
    imtl.backward(dict(zip(TASKS, values.unbind(), strict=True)), [x], [heads])
    scales = torch.tensor([s.exp().item() for s in imtl.parameters()])
    assert_close(heads.grad, scales * torch.stack(list(losses_of(x).values())).detach())
