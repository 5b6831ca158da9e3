"""Gradient aggregation against TorchJD's own engine, and the properties that UPGrad promises."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn
from torch.testing import assert_close
from torchjd import aggregation as jd
from torchjd.autojac import jac_to_grad, mtl_backward

import mtl_cli
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.fixed import Fixed

TASKS = ["a", "b", "c"]


class Net(nn.Module):
    """A shared trunk, a head for each task, and losses of three scales."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in TASKS)
        self.x, self.y = torch.randn(8, 6), torch.randn(8, 3)

    def forward(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        features = self.trunk(self.x)
        errors = [h(features).squeeze(1) - self.y[:, k] for k, h in enumerate(self.heads)]
        scales = [1.0, 10.0, 0.1]
        losses = [scale * e.square().mean() for scale, e in zip(scales, errors, strict=True)]
        return dict(zip(TASKS, losses, strict=True)), features

    @property
    def shared(self) -> list[nn.Parameter]:
        return list(self.trunk.parameters())

    @property
    def specific(self) -> list[nn.Parameter]:
        return list(self.heads.parameters())

    def grads(self) -> list[torch.Tensor | None]:
        return [p.grad for p in self.parameters()]


def jacobian(net: Net) -> torch.Tensor:
    rows = []
    for loss in net()[0].values():
        grads = torch.autograd.grad(loss, net.shared, retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in grads]))
    return torch.stack(rows)


def shared_grad(net: Net) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in net.shared])


METHODS = {
    "upgrad": jd.UPGrad,  # weights from the Gramian
    "mgda": jd.MGDA,
    "pref": lambda: jd.UPGrad(torch.tensor([1.0, 0.1, 3.0])),
    "config": jd.ConFIG,  # no weights
    "krum": lambda: jd.Krum(0, 2),
    "mean": jd.Mean,
    "trimmed": lambda: jd.TrimmedMean(1),
}
each_method = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)


@each_method
def test_gradients_are_those_of_torchjds_own_engine(make):
    ours, theirs = Net(), Net()
    weights = Aggregation(TASKS, make(), None).backward(ours()[0], ours.shared, ours.specific)
    losses, features = theirs()
    mtl_backward(list(losses.values()), features)
    their_weights = jac_to_grad(theirs.shared, make())
    assert_close(ours.grads(), theirs.grads(), atol=1e-6, rtol=1e-5)
    if their_weights is None:
        assert weights is None
    else:
        assert_close(torch.stack(list(weights.values())), their_weights, atol=1e-6, rtol=1e-5)


@each_method
def test_the_step_is_the_aggregation_of_the_jacobian(make):
    net = Net()
    expected = make()(jacobian(net))
    weights = Aggregation(TASKS, make(), None).backward(net()[0], net.shared, net.specific)
    assert_close(shared_grad(net), expected, atol=1e-6, rtol=1e-4)
    if weights is not None:
        assert list(weights) == TASKS
        of_rows = torch.stack(list(weights.values())) @ jacobian(net)
        assert_close(shared_grad(net), of_rows, atol=1e-6, rtol=1e-4)


def test_the_sum_as_a_method_is_fixed_weighting():
    one, other = Net(), Net()
    extra = [net.trunk[0].weight.square().sum() for net in (one, other)]
    weights = Aggregation(TASKS, jd.Sum(), None).backward(
        one()[0], one.shared, one.specific, extra[0]
    )
    Fixed(TASKS).backward(other()[0], other.shared, other.specific, extra[1])
    assert_close(one.grads(), other.grads())
    assert_close(weights, dict.fromkeys(TASKS, torch.ones(())))


@each_method
def test_specific_parameters_get_the_plain_gradient(make):
    net = Net()
    expected = torch.autograd.grad(sum(net()[0].values()), net.specific)
    Aggregation(TASKS, make(), None).backward(net()[0], net.shared, net.specific)
    assert_close([p.grad for p in net.specific], list(expected))


@each_method
def test_the_architectures_own_term_is_added_as_it_is(make):
    plain, net = Net(), Net()
    Aggregation(TASKS, make(), None).backward(plain()[0], plain.shared, plain.specific)
    losses, features = net()
    extra = 5 * features.square().sum() + net.heads[0].bias.sum()
    added = torch.autograd.grad(extra, list(net.parameters()), retain_graph=True, allow_unused=True)
    Aggregation(TASKS, make(), None).backward(losses, net.shared, net.specific, extra)
    expected = [
        p.grad if more is None else p.grad + more
        for p, more in zip(plain.parameters(), added, strict=True)
    ]
    assert_close(net.grads(), expected)


def test_gradients_are_added_to_those_that_are_there():
    plain, net = Net(), Net()
    Aggregation(TASKS, jd.UPGrad(), None).backward(plain()[0], plain.shared, plain.specific)
    for parameter in net.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    Aggregation(TASKS, jd.UPGrad(), None).backward(net()[0], net.shared, net.specific)
    assert_close(net.grads(), [grad + 7 for grad in plain.grads()])


def test_an_absent_task_is_left_alone():
    net = Net()
    losses = net()[0]
    del losses["b"]
    rows = jacobian(net)[[0, 2]]
    weights = Aggregation(TASKS, jd.UPGrad(), None).backward(losses, net.shared, net.specific)
    assert list(weights) == ["a", "c"]
    assert_close(shared_grad(net), jd.UPGrad()(rows), atol=1e-6, rtol=1e-4)
    assert all(p.grad is None for p in net.heads[1].parameters())


def test_a_task_alone_in_a_step_gets_its_own_gradient():
    net = Net()
    weights = Aggregation(TASKS, jd.UPGrad(), None).backward(
        {"b": net()[0]["b"]}, net.shared, net.specific
    )
    assert_close(shared_grad(net), jacobian(net)[1])
    assert_close(weights, {"b": torch.ones(())})


def test_without_shared_parameters_it_is_the_plain_gradient():
    one, other = Net(), Net()
    Aggregation(TASKS, jd.UPGrad(), None).backward(one()[0], [], list(one.parameters()))
    sum(other()[0].values()).backward()
    assert_close(one.grads(), other.grads())


def test_no_gradient_shares_its_memory_with_another():
    """Clipping and the optimizers change gradients in place."""
    shared = nn.Parameter(torch.randn(3))
    specific = [nn.Parameter(torch.randn(3)) for _ in range(3)]
    features = shared * 2
    losses = {
        "a": (features + specific[0] + specific[1]).square().sum(),
        "b": features.sum() + specific[2].sum(),
    }
    Aggregation(["a", "b"], jd.UPGrad(), None).backward(losses, [shared], specific)
    before = [p.grad.clone() for p in specific]
    for parameter in specific:
        parameter.grad.mul_(2)
    assert_close([p.grad for p in specific], [2 * grad for grad in before])


def hard_jacobians() -> dict[str, torch.Tensor]:
    """[K, D]: conflict, collinearity, zeros, lost rank, wide scales, more tasks than parameters."""
    torch.manual_seed(0)
    normal, row = torch.randn(5, 20), torch.randn(1, 20)
    opposite = torch.cat([row, -row])
    return {
        "random": normal,
        "wide": torch.randn(4, 500),
        "more tasks than parameters": torch.randn(12, 3),
        "one task": row,
        "opposite": opposite,
        "nearly opposite": opposite + 1e-3 * torch.randn(2, 20),
        "collinear": row * torch.tensor([[1.0], [2.0], [0.5]]),
        "zeros": torch.zeros(3, 20),
        "a row of zeros": torch.cat([normal, torch.zeros(1, 20)]),
        "rank 1 of 5": torch.randn(5, 1) @ row,
        "rank 2 of 6": torch.randn(6, 2) @ torch.randn(2, 20),
        "wide scales": normal * torch.logspace(-3, 3, 5)[:, None],
        "tiny": 1e-6 * normal,
        "huge": 1e6 * normal,
    }


def upgrad() -> Aggregation:
    """As a user chooses it, by ``weighting=upgrad``."""
    yaml = Path(mtl_cli.__file__).parent.parent / "conf" / "weighting" / "upgrad.yaml"
    return instantiate(OmegaConf.load(yaml), _convert_="all")(tasks=TASKS)


@pytest.mark.parametrize("name", hard_jacobians())
def test_upgrads_step_conflicts_with_no_task(name):
    rows = hard_jacobians()[name]
    step, weights = upgrad().aggregate(rows)
    assert step.isfinite().all()
    assert_close(weights @ rows, step)
    # The solver's regularisation is relative to the Gramian; a mean of random rows is far worse.
    assert (rows @ step >= -5e-4 * (rows @ rows.T).norm()).all()


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3])
def test_upgrads_weights_do_not_depend_on_the_unit_of_the_losses(unit):
    rows = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.2, -0.1]])
    assert_close(upgrad().aggregate(unit * rows)[1], upgrad().aggregate(rows)[1])


def test_without_conflict_upgrad_is_the_mean():
    rows = torch.randn(4, 30).abs()
    step, weights = upgrad().aggregate(rows)
    assert_close(step, rows.mean(0), atol=1e-4, rtol=1e-3)
    assert_close(weights, torch.full((4,), 0.25), atol=1e-4, rtol=1e-3)


def test_of_two_conflicting_tasks_upgrad_projects_each_onto_the_others_normal_plane():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    projected = torch.stack([a - (a @ b) / (b @ b) * b, b - (a @ b) / (a @ a) * a])
    step, _ = upgrad().aggregate(torch.stack([a, b]))
    assert_close(step, projected.mean(0), atol=1e-3, rtol=1e-3)


def test_a_preference_is_the_methods_and_follows_the_tasks_that_are_present():
    preference = [1.0, 0.1, 3.0]
    ours, theirs = Net(), Net()
    Aggregation(TASKS, jd.UPGrad(), preference).backward(ours()[0], ours.shared, ours.specific)
    expected = jd.UPGrad(torch.tensor(preference))(jacobian(theirs))
    assert_close(shared_grad(ours), expected)
    two = Net()
    losses = {task: loss for task, loss in two()[0].items() if task != "b"}
    Aggregation(TASKS, jd.UPGrad(), preference).backward(losses, two.shared, two.specific)
    expected = jd.UPGrad(torch.tensor([1.0, 3.0]))(jacobian(theirs)[[0, 2]])
    assert_close(shared_grad(two), expected)


@pytest.mark.parametrize("preference", [[1.0], [1.0, -1.0, 1.0], ["a", 1.0, 1.0], 3.0])
def test_a_preference_of_the_wrong_length_or_sign_is_refused(preference):
    with pytest.raises(ValueError, match=r"weighting\.preference"):
        Aggregation(TASKS, jd.UPGrad(), preference)


def test_a_preference_needs_a_method_that_takes_one():
    with pytest.raises(ValueError, match="PCGrad, which takes none"):
        Aggregation(TASKS, jd.PCGrad(), [1.0, 1.0, 1.0])
