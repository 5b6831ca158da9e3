"""GradNorm against its equations by hand, the sum of its weights, and tasks that are absent."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.gradient_scale import scale_gradient
from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.gradnorm import GradNorm
from mtl_cli.weighting.moco import MoCo
from mtl_cli.weighting.part import Part

TASKS = ["digit", "a.b", "type"]
SCALES = [1.0, 10.0, 0.1]


class Net(nn.Module):
    """Two shared layers and a head for each task, with losses of three scales."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 4)
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in TASKS)
        self.x, self.y = torch.randn(8, 6), torch.randn(8, 3)

    @property
    def shared(self):
        return [*self.first.parameters(), *self.last.parameters()]

    def losses(self, present=TASKS):
        features = self.last(self.first(self.x).tanh()).tanh()
        losses = {}
        for k, (task, head) in enumerate(zip(TASKS, self.heads, strict=True)):
            if task in present:
                error = head(features).squeeze(1) - self.y[:, k]
                losses[task] = SCALES[k] * error.square().mean()
        return losses

    def lengths(self, present=TASKS):
        """``|dL_k/dW|``, by a backward pass each."""
        found = []
        for task in present:
            self.zero_grad()
            self.losses()[task].backward()
            found.append(math.sqrt(sum(p.grad.square().sum() for p in self.last.parameters())))
        self.zero_grad()
        return np.array(found)


def make(net, alpha=1.5, tasks=TASKS):
    method = GradNorm(tasks, alpha)
    method.watch(list(net.last.parameters()))
    return method


def weights_of(method):
    return np.array([method.loss_weights[module_key(task)].item() for task in method.tasks])


def set_weights(method, values):
    with torch.no_grad():
        for task, value in zip(method.tasks, values, strict=True):
            method.loss_weights[module_key(task)].fill_(value)


def slopes_of(method, present=TASKS):
    return [method.loss_weights[module_key(task)].grad.item() for task in present]


def by_hand(weights, lengths, losses, first, alpha):
    """The gradient of ``sum |w l - mean(w l) r^alpha|`` over w, its second term being constant."""
    ratios = losses / first
    scaled = weights * lengths
    target = scaled.mean() * (ratios / ratios.mean()) ** alpha
    return np.sign(scaled - target) * lengths


@pytest.mark.parametrize("alpha", [0, 0.12, 1.5])
def test_the_slopes_of_the_weights_are_those_by_hand(alpha):
    net = Net()
    method = make(net, alpha)
    optimizer = torch.optim.Adam([*net.parameters(), *method.parameters()], lr=0.03)
    first = None
    for _ in range(6):
        values = np.array([loss.item() for loss in net.losses().values()])
        first = values if first is None else first
        expected = by_hand(weights_of(method), net.lengths(), values, first, alpha)
        optimizer.zero_grad()
        used = method.backward(net.losses(), net.shared, list(net.heads.parameters()))
        assert slopes_of(method) == pytest.approx(expected, rel=1e-4)
        assert [w.item() for w in used.values()] == pytest.approx(weights_of(method), rel=1e-5)
        optimizer.step()
        assert not math.isclose(weights_of(method).sum(), 3, rel_tol=1e-6)
        method.after_step(net.losses)
        assert weights_of(method).sum() == pytest.approx(3)
    assert weights_of(method).max() > 1.02


def test_the_model_follows_the_weighted_sum():
    net = Net()
    method = make(net)
    set_weights(method, [0.5, 0.3, 2.2])
    losses = net.losses()
    total = 0.5 * losses["digit"] + 0.3 * losses["a.b"] + 2.2 * losses["type"]
    expected = torch.autograd.grad(total, list(net.parameters()))
    method.backward(net.losses(), net.shared, list(net.heads.parameters()))
    assert_close([p.grad for p in net.parameters()], list(expected))


def test_without_alpha_the_gradients_come_to_one_length():
    net = Net()
    method = make(net, alpha=0)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        method.backward(net.losses(), net.shared, [])
        optimizer.step()
        method.after_step(net.losses)
    scaled = weights_of(method) * net.lengths()
    assert scaled.std() / scaled.mean() < 0.2
    assert net.lengths().std() / net.lengths().mean() > 0.5


def test_only_the_present_are_balanced_and_their_sum_stays():
    net = Net()
    method = make(net)
    set_weights(method, [0.5, 0.4, 2.1])
    present = ["digit", "type"]
    own = np.array([0.5, 2.1]) * 2 / 2.6
    values = np.array([net.losses()[task].item() for task in present])
    expected = by_hand(own, net.lengths(present), values, values, 1.5)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9)
    used = method.backward(net.losses(present), net.shared, [])
    assert slopes_of(method, present) == pytest.approx(expected, rel=1e-4)
    assert [w.item() for w in used.values()] == pytest.approx(own)
    optimizer.step()
    method.after_step(net.losses)
    weights = weights_of(method)
    assert weights[1] == pytest.approx(0.4)
    assert weights.sum() == pytest.approx(3)
    assert weights[0] != pytest.approx(0.5)
    assert method.first.isnan().tolist() == [False, True, False]


def test_gradients_that_are_scaled_against_underflow_are_read_as_they_are():
    """The losses keep their values; what comes back from them is larger by the scale."""

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, loss):
            return loss.clone()

        @staticmethod
        def backward(ctx, grad):
            return 1024 * grad

    plain, scaled, net = make(Net()), make(Net()), Net()
    for method in (plain, scaled):
        method.watch(list(net.last.parameters()))
    scaled.begin(Part(scale=1024.0))
    plain.backward(net.losses(), net.shared, [])
    losses = {task: Scale.apply(loss) for task, loss in net.losses().items()}
    scaled.backward(losses, net.shared, [])
    assert slopes_of(scaled) == pytest.approx(slopes_of(plain))


def test_parts_of_a_step_add_up():
    net = Net()
    once, twice = make(net), make(net)
    once.backward(net.losses(), net.shared, [])
    for more in (True, False):
        twice.begin(Part(is_last=not more))
        twice.backward(net.losses(), net.shared, [])
    assert slopes_of(twice) == pytest.approx([2 * slope for slope in slopes_of(once)])


def test_a_weight_never_falls_to_0():
    net = Net()
    method = make(net)
    method.backward(net.losses(), net.shared, [])
    with torch.no_grad():
        method.loss_weights["digit"].fill_(-5.0)
    method.after_step(net.losses)
    assert (weights_of(method) > 0).all()
    assert weights_of(method).sum() == pytest.approx(3)


def test_a_first_loss_that_is_not_above_0_is_named():
    net = Net()
    losses = net.losses()
    losses["a.b"] = losses["a.b"] * 0
    with pytest.raises(Problem, match=r"the loss of task 'a\.b' must be above 0"):
        make(net).backward(losses, net.shared, [])


def test_a_loss_that_comes_to_0_later_is_fine():
    net = Net()
    method = make(net)
    method.backward(net.losses(), net.shared, [])
    losses = net.losses()
    used = method.backward(losses | {"a.b": losses["a.b"] * 0}, net.shared, [])
    assert torch.stack(list(used.values())).isfinite().all()
    assert np.isfinite(slopes_of(method)).all()


def test_it_needs_a_shared_layer():
    with pytest.raises(Problem, match="needs a layer that tasks share"):
        GradNorm(TASKS, 1.5).watch([])


def test_it_cannot_stand_before_an_aggregation():
    with pytest.raises(Problem, match="GradNorm, which reads gradients"):
        MoCo(TASKS, "parameters", None, lambda tasks: GradNorm(tasks, 1.5), 0.5, 0, 0.1, 0, 0)


def test_a_step_in_parts_is_the_step_of_the_whole():
    """The trainer multiplies the gradients of a part's losses by their shares in the step."""
    net = Net()
    share = dict(zip(TASKS, [0.3, 0.5, 0.9], strict=True))
    shares = share, {task: 1 - of for task, of in share.items()}

    def part(k):
        return {t: 2 * x + x**2 if k else x for t, x in net.losses().items()}

    whole, parts = make(net), make(net)
    for method in (whole, parts):
        set_weights(method, [0.5, 1.0, 1.5])
    low, high = part(0), part(1)
    mean = {t: shares[0][t] * low[t] + shares[1][t] * high[t] for t in TASKS}
    whole.backward(mean, net.shared, [])
    for k, of in enumerate(shares):
        parts.begin(Part(of, is_last=k == 1))
        scaled = {t: scale_gradient(x, of[t]) for t, x in part(k).items()}
        parts.backward(scaled, net.shared, [])
    assert max(map(abs, slopes_of(whole))) > 0
    np.testing.assert_allclose(slopes_of(parts), slopes_of(whole), rtol=1e-4)
    torch.testing.assert_close(parts.first, whole.first)


@pytest.mark.parametrize("wrong", [-0.1, "x", math.nan])
def test_a_wrong_alpha_is_refused(wrong):
    with pytest.raises(Problem, match=r"^weighting\.alpha must be"):
        GradNorm(TASKS, wrong)
