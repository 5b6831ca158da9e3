"""Gradient aggregation: the Jacobian, the step that is made of it, and what both are told to do."""

import copy
import logging
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchjd import aggregation as jd
from torchjd.autojac import jac_to_grad, mtl_backward

from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.fixed import Fixed
from mtl_cli.weighting.mgda import MGDA
from mtl_cli.weighting.part import Part
from mtl_cli.weighting.torchjd import TorchJD
from mtl_cli.weighting.uw import UW

TASKS = ["a", "b", "c"]


class Net(nn.Module):
    """A shared trunk, a head for each task, and losses of three scales."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in TASKS)
        torch.manual_seed(seed)
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


def jacobian(net: Net, losses=None) -> torch.Tensor:
    """A row for each loss, by a backward pass each."""
    rows = []
    for loss in (losses or net()[0]).values():
        grads = torch.autograd.grad(loss, net.shared, retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in grads]))
    return torch.stack(rows)


def shared_grad(net: Net) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in net.shared])


class Rows(Aggregation):
    """Adds the rows up, each times a number of its own, and notes what it was given."""

    def aggregate(self, jacobian, tasks):
        self.given, self.names = jacobian.clone(), list(tasks)
        weights = torch.arange(1.0, 1 + len(jacobian))
        return weights @ jacobian, weights


def rows(on="parameters", chunk_size=None, losses=None) -> Rows:
    return Rows(TASKS, on, chunk_size, losses)


def library(make) -> TorchJD:
    return TorchJD(TASKS, "parameters", None, None, None, make())


METHODS = {
    "upgrad": jd.UPGrad,  # weights from the Gramian
    "mgda": jd.MGDA,
    "config": jd.ConFIG,  # no weights
    "krum": lambda: jd.Krum(0, 2),
    "mean": jd.Mean,
}
each_method = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)


@each_method
def test_gradients_are_those_of_torchjds_own_engine(make):
    ours, theirs = Net(), Net()
    losses, features = ours()
    weights = library(make).backward(losses, ours.shared, ours.specific, None, [features])
    losses, features = theirs()
    mtl_backward(list(losses.values()), features)
    their_weights = jac_to_grad(theirs.shared, make())
    assert_close(ours.grads(), theirs.grads(), atol=1e-6, rtol=1e-5)
    if their_weights is None:
        assert weights is None
    else:
        assert_close(torch.stack(list(weights.values())), their_weights, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 3, 7])
@pytest.mark.parametrize("with_features", [True, False])
def test_the_rows_are_the_tasks_gradients_whatever_the_chunks(chunk_size, with_features):
    net, method = Net(), rows(chunk_size=chunk_size)
    for _ in range(2):  # the matrix is kept between steps
        losses, features = net()
        method.backward(losses, net.shared, net.specific, None, [features] if with_features else [])
        assert_close(method.given, jacobian(net))
        assert method.names == TASKS


def test_rows_are_taken_together_only_from_where_all_tasks_pass():
    """A path around the features would be missed."""
    net, method = Net(), rows(chunk_size=3)
    losses, features = net()
    losses["b"] = losses["b"] + net.trunk[0].weight.square().sum()
    expected = jacobian(net, losses)
    method.backward(losses, net.shared, net.specific, None, [features])
    assert_close(method.given, expected)
    losses, features = net()
    losses["b"] = losses["b"] + net.trunk[0].weight.square().sum()
    with pytest.raises(ValueError, match="shared parameters that a task reaches beside it"):
        rows("features").backward(losses, net.shared, net.specific, None, [features])


@pytest.mark.parametrize("kind", ["bag", "attention", "convolution"])
def test_what_does_not_batch_is_taken_row_by_row_without_a_warning(kind):
    torch.manual_seed(0)
    if kind == "bag":
        trunk = nn.EmbeddingBag(9, 4, mode="sum")
        x = torch.randint(9, (5, 3))
    elif kind == "attention":
        trunk = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
        x = torch.randn(5, 3, 4)
    else:
        trunk = nn.Conv1d(3, 4, 2)
        x = torch.randn(5, 3, 4)
    features = trunk(x)
    shared = list(trunk.parameters())
    losses = {task: (k + features).square().mean() for k, task in enumerate(TASKS)}
    method = rows(chunk_size=3)
    expected = [torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses.values()]
    method.backward(losses, shared, [], None, [features])
    each = [torch.cat([g.flatten() for g in grads]) for grads in expected]
    assert_close(method.given, torch.stack(each))


def test_a_task_that_does_not_reach_a_shared_parameter_has_zeros_there():
    net, method = Net(), rows()
    more = nn.Parameter(torch.ones(2))
    losses = net()[0]
    losses["a"] = losses["a"] + (3 * more).sum()
    method.backward(losses, [*net.shared, more], net.specific)
    assert_close(method.given[:, -2:], torch.tensor([[3.0, 3], [0, 0], [0, 0]]))


def test_the_step_and_the_weights_are_the_methods():
    net = Net()
    weights = rows().backward(net()[0], net.shared, net.specific)
    assert_close(shared_grad(net), torch.tensor([1.0, 2, 3]) @ jacobian(net))
    assert_close(weights, {task: torch.tensor(k + 1.0) for k, task in enumerate(TASKS)})


def test_the_sum_as_a_method_is_fixed_weighting():
    one, other = Net(), Net()
    extra = [net.trunk[0].weight.square().sum() for net in (one, other)]
    weights = library(jd.Sum).backward(one()[0], one.shared, one.specific, extra[0])
    Fixed(TASKS).backward(other()[0], other.shared, other.specific, extra[1])
    assert_close(one.grads(), other.grads())
    assert_close(weights, dict.fromkeys(TASKS, torch.ones(())))


def test_specific_parameters_get_the_plain_gradient():
    net = Net()
    expected = torch.autograd.grad(sum(net()[0].values()), net.specific)
    rows().backward(net()[0], net.shared, net.specific)
    assert_close([p.grad for p in net.specific], list(expected))


def test_the_architectures_own_term_is_added_as_it_is():
    plain, net = Net(), Net()
    rows().backward(plain()[0], plain.shared, plain.specific)
    losses, features = net()
    extra = 5 * features.square().sum() + net.heads[0].bias.sum()
    added = torch.autograd.grad(extra, list(net.parameters()), retain_graph=True, allow_unused=True)
    rows().backward(losses, net.shared, net.specific, extra)
    expected = [
        p.grad if more is None else p.grad + more
        for p, more in zip(plain.parameters(), added, strict=True)
    ]
    assert_close(net.grads(), expected)


@pytest.mark.parametrize("on", ["parameters", "features"])
def test_gradients_are_added_to_those_that_are_there(on):
    plain, net = Net(), Net()
    losses, features = plain()
    rows(on).backward(losses, plain.shared, plain.specific, None, [features])
    for parameter in net.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    losses, features = net()
    rows(on).backward(losses, net.shared, net.specific, None, [features])
    assert_close(net.grads(), [grad + 7 for grad in plain.grads()])


def test_a_task_alone_in_a_step_gets_its_own_gradient():
    net = Net()
    losses = {"b": net()[0]["b"]}
    weights = MGDA(TASKS, "parameters", None, None).backward(losses, net.shared, net.specific)
    assert_close(shared_grad(net), jacobian(net)[1])
    assert_close(weights, {"b": torch.ones(())})
    assert all(p.grad is None for p in net.heads[0].parameters())


def test_steps_of_different_tasks_do_not_mix():
    net, method = Net(), rows()
    for names in (["a", "c"], ["b"], TASKS, ["b", "c"]):
        losses = {task: loss for task, loss in net()[0].items() if task in names}
        method.backward(losses, net.shared, net.specific)
        assert method.names == names
        assert_close(method.given, jacobian(net)[[TASKS.index(name) for name in names]])


def test_without_shared_parameters_it_is_the_plain_gradient():
    one, other = Net(), Net()
    rows().backward(one()[0], [], list(one.parameters()))
    sum(other()[0].values()).backward()
    assert_close(one.grads(), other.grads())


@pytest.mark.parametrize("on", ["parameters", "features"])
def test_no_gradient_shares_its_memory_with_another(on):
    """Clipping and the optimizers change gradients in place; the next step must not either."""
    shared = [nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(3))]
    specific = [nn.Parameter(torch.randn(3)) for _ in range(3)]
    method = rows(on)

    def backward():
        features = shared[0] * 2 + shared[1]
        losses = {
            "a": (features + specific[0] + specific[1]).square().sum(),
            "b": features.sum() + specific[2].sum(),
        }
        method.backward(losses, shared, specific, None, [features])

    backward()
    kept = [p.grad for p in [*shared, *specific]]
    before = [grad.clone() for grad in kept]
    for grad in kept:
        grad.mul_(2)
    assert_close(kept, [2 * grad for grad in before])
    for parameter in [*shared, *specific]:
        parameter.grad = None
        parameter.data.add_(1)
    backward()
    assert_close(kept, [2 * grad for grad in before])


def test_on_features_the_jacobian_is_that_at_the_features():
    net, method = Net(), rows("features")
    losses, features = net()
    grads = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in losses.values()]
    weights = method.backward(losses, net.shared, net.specific, None, [features])
    assert_close(method.given, torch.stack([grad.flatten() for grad in grads]))
    # For a weighted sum, the step of these weights on the parameters.
    assert_close(
        shared_grad(net), torch.stack(list(weights.values())) @ jacobian(net), atol=1e-5, rtol=1e-5
    )
    plain = Net()
    sum(plain()[0].values()).backward()
    assert_close([p.grad for p in net.specific], [p.grad for p in plain.specific])


def test_on_features_two_inputs_have_a_tensor_each():
    net, method = Net(), rows("features")
    first, second = net.trunk(net.x), net.trunk(net.x[:5])
    losses = {
        "a": net.heads[0](first).square().mean(),
        "b": net.heads[1](second).square().mean(),
    }
    expected = torch.tensor([1.0, 2]) @ jacobian(net, losses)
    method.backward(losses, net.shared, net.specific, None, [first, second])
    assert method.given.shape == (2, 8 * 4 + 5 * 4)
    assert (method.given[0, 32:] == 0).all()
    assert (method.given[1, :32] == 0).all()
    assert_close(shared_grad(net), expected)


def test_mgda_on_features_bounds_mgda_from_above():
    norms = {}
    for on in ("parameters", "features"):
        net = Net()
        losses, features = net()
        MGDA(TASKS, on, None, None).backward(losses, net.shared, net.specific, None, [features])
        norms[on] = shared_grad(net).norm()
    assert norms["parameters"] <= norms["features"]


def test_on_features_needs_them():
    net = Net()
    with pytest.raises(ValueError, match="tasks that part at one tensor"):
        rows("features").backward(net()[0], net.shared, net.specific)
    losses, features = net()
    method = rows("features")
    method.begin(Part(is_last=False))
    with pytest.raises(ValueError, match="a step in several parts"):
        method.backward(losses, net.shared, net.specific, None, [features])


def test_parts_of_a_step_add_up_to_one_jacobian():
    """A task may have no label in some parts."""
    parts, method = [Net(seed) for seed in range(3)], rows()
    net = parts[0]
    present = [["c"], ["a", "c"], ["a", "b"]]
    expected = dict.fromkeys(TASKS, 0)
    plain = Net()
    for k, (part, names) in enumerate(zip(parts, present, strict=True)):
        net.x, net.y = part.x, part.y
        losses = {task: loss for task, loss in net()[0].items() if task in names}
        for name, row in zip(losses, jacobian(net, losses), strict=True):
            expected[name] = expected[name] + row
        method.begin(Part(is_last=k == 2))
        used = method.backward(losses, net.shared, net.specific)
        assert (used is None) == (k < 2)
        plain.x, plain.y = part.x, part.y
        sum(loss for task, loss in plain()[0].items() if task in names).backward()
    total = torch.stack(list(expected.values()))
    assert_close(method.given, total)
    assert_close(shared_grad(net), torch.tensor([1.0, 2, 3]) @ total)
    assert_close([p.grad for p in net.specific], [p.grad for p in plain.specific])


def test_a_last_part_without_labels_is_the_end_of_the_step():
    net, method = Net(), rows()
    method.begin(Part(is_last=False))
    method.backward(net()[0], net.shared, net.specific)
    assert all(p.grad is None for p in net.shared)
    used = method.flush(net.shared, [])
    assert list(used) == TASKS
    assert_close(shared_grad(net), torch.tensor([1.0, 2, 3]) @ jacobian(net))
    assert method.flush(net.shared, []) is None


@pytest.mark.parametrize("make", [rows, partial(MGDA, TASKS, "parameters", None, None)])
def test_scaled_gradients_give_the_step_of_the_others_scaled(make):
    plain, net = Net(), Net()
    expected = make().backward(plain()[0], plain.shared, plain.specific)
    method = make()
    method.begin(Part(scale=1024.0))
    scaled = {task: 1024 * loss for task, loss in net()[0].items()}
    assert_close(method.backward(scaled, net.shared, net.specific), expected)
    assert_close(net.grads(), [1024 * grad for grad in plain.grads()])
    if isinstance(method, Rows):
        assert_close(method.given, jacobian(plain))


@pytest.mark.parametrize("make", [rows, partial(MGDA, TASKS, "parameters", None, None)])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_gradient_that_is_not_finite_stops_the_run_and_names_the_task(make, value):
    net = Net()
    losses = net()[0]
    losses["b"] = losses["b"] + value * net.trunk[0].bias.sum()
    with pytest.raises(ValueError, match=r"gradient of task 'b' must stay finite.\n.*\n.*lr"):
        make().backward(losses, net.shared, net.specific)


@pytest.mark.parametrize("make", [rows, partial(MGDA, TASKS, "parameters", None, None)])
def test_in_half_precision_an_overflow_is_left_to_the_trainer(make):
    net, method = Net(), make()
    method.begin(Part(scale=65536.0))
    losses = net()[0]
    losses["b"] = losses["b"] + torch.inf * net.trunk[0].bias.sum()
    assert method.backward(losses, net.shared, net.specific) is None
    assert not shared_grad(net).isfinite().all()
    assert not hasattr(method, "given")  # the method has not seen it
    assert not method.failures


def test_a_loss_weighting_goes_before():
    """Its dS/dL_k scale the rows and specific gradients, and its own parameters learn."""
    net, alone = Net(), UW(TASKS, 0.3)
    losses = net()[0]
    used = alone.backward(losses, net.shared, net.specific)
    specific = [p.grad.clone() for p in net.specific]
    net.zero_grad()
    method = rows(losses=partial(UW, initial_log_variance=0.3))
    weights = method.backward(net()[0], net.shared, net.specific)
    scales = torch.stack(list(used.values()))
    assert_close(method.given, scales[:, None] * jacobian(net))
    assert_close(torch.stack(list(weights.values())), torch.tensor([1.0, 2, 3]) * scales)
    assert_close([p.grad for p in net.specific], specific)
    assert len(list(method.parameters())) == len(TASKS)
    for mine, its in zip(method.parameters(), alone.parameters(), strict=True):
        assert_close(mine.grad, its.grad)
    assert any("log_variances" in name for name in method.state_dict())


def test_the_loss_weighting_before_hears_of_everything():
    calls = []

    class Ear(UW):
        def after_step(self, closure):
            calls.append(closure())

        def end_epoch(self, means):
            calls.append(means)

        def progress(self, fraction):
            calls.append(fraction)

    method = rows(losses=partial(Ear, initial_log_variance=0.0))
    method.after_step(lambda: "losses")
    method.end_epoch({"a": 1.0})
    method.progress(0.5)
    assert calls == ["losses", {"a": 1.0}, 0.5]


@pytest.mark.parametrize(
    "before", [Fixed, partial(MGDA, on="parameters", chunk_size=1, losses=None)]
)
def test_only_a_loss_weighting_goes_before(before):
    with pytest.raises(ValueError, match=r"weighting\.losses must be a loss weighting"):
        rows(losses=before)


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, "a"])
def test_a_chunk_has_a_row_at_least(chunk_size):
    with pytest.raises(ValueError, match=r"weighting\.chunk_size must be an integer"):
        rows(chunk_size=chunk_size)


def test_the_jacobian_is_taken_in_one_of_two_places():
    with pytest.raises(ValueError, match=r"weighting\.on must be one of parameters, features"):
        rows("feature")


def test_a_method_without_weights_is_counted_and_not_passed_over(caplog):
    class Fails(MGDA):
        def weigh(self, gramian, tasks):
            raise ArithmeticError("no reason")

    net, method = Net(), Fails(TASKS, "parameters", None, None)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            net.zero_grad()
            method.backward(net()[0], net.shared, net.specific)
    assert method.failures == 2
    assert caplog.text.count("no reason") == 1
    assert_close(shared_grad(net), jacobian(net).mean(0))
    assert copy.deepcopy(method).state_dict()["failures"] == 2


def on_model(case, losses_of, **options):
    """The gradients of one step of a model by a sum of rows, or the error."""
    model = case.model()
    losses = losses_of(model, case.batch(6))
    group = model.groups()[0]
    method = Rows(group.tasks, **{"on": "parameters", "chunk_size": 1, "losses": None} | options)
    own = {task: losses[task] for task in group.tasks}
    try:
        method.backward(own, group.shared, group.specific, None, model.representations)
    except ValueError as error:
        return str(error)
    return [None if p.grad is None else p.grad.clone() for p in group.parameters]


def test_on_every_architecture_and_encoder_all_ways_give_the_same_step(cases, losses_of):
    """Rows together or one by one, on parameters or, for a weighted sum, on features."""
    refused, tried = set(), 0
    for case in cases:
        simplest = case.arch == "hps" and case.arrangement == "one input"
        if case.arrangement == "three tasks on two inputs" or not (
            simplest or (case.encoder, case.kind.kind) == ("mlp", "dense")
        ):
            continue
        expected = on_model(case, losses_of)
        assert_close(on_model(case, losses_of, chunk_size=2), expected, atol=1e-5, rtol=1e-4)
        there = on_model(case, losses_of, on="features")
        if isinstance(there, str):
            assert "weighting.on=parameters" in there
            refused.add(case.arch)
        else:
            assert_close(there, expected, atol=1e-5, rtol=1e-4)
            tried += 1
    assert tried >= 14
    assert "hps" not in refused
    assert "cross_stitch" in refused
