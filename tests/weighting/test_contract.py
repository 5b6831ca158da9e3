"""What every weighting promises, on every architecture, with one input and with one for each task.

A new weighting is tested by having its YAML in ``conf/weighting``: see ``tests/conftest.py``.
"""

import io
from pathlib import Path

import pytest
import torch

from mtl_cli.naming import module_key
from mtl_cli.weighting.base import LossWeighting
from mtl_cli.weighting.fixed import Fixed

pytestmark = pytest.mark.usefixtures("double_precision")
CONF = Path(__file__).parent.parent.parent / "conf"


class Learners:
    """The weightings of a model, one for each group of tasks that share a parameter.

    A group of one task is trained plainly, as the trainer does.

    Args:
        model: whose gradients are filled.
        make_weighting: makes a weighting from the names of tasks.
        tasks: the tasks that the weightings know; None: all.
    """

    def __init__(self, model, make_weighting, tasks=None):
        self.model = model
        self.groups = model.groups()
        self.weightings = []
        for group in self.groups:
            own = [task for task in group.tasks if tasks is None or task in tasks]
            self.weightings.append(make_weighting(own) if len(group.tasks) > 1 else Fixed(own))

    def backward(self, losses, extra=None):
        """The gradients of one step, and the weight of each task or None."""
        self.model.zero_grad()
        torch.default_generator.manual_seed(3)  # of methods that draw
        used = {}
        for group, weighting in zip(self.groups, self.weightings, strict=True):
            weighting.zero_grad()
            own = {task: losses[task] for task in group.tasks if task in losses}
            if own:
                features = self.model.representations
                weights = weighting.backward(own, group.shared, group.specific, extra, features)
                used |= dict.fromkeys(own) if weights is None else weights
                extra = None
        grads = {name: p.grad for name, p in self.model.named_parameters() if p.grad is not None}
        return {name: grad.clone() for name, grad in grads.items()}, used

    def step(self):
        """What an optimizer does to the weightings' own parameters."""
        with torch.no_grad():
            for parameter in (p for weighting in self.weightings for p in weighting.parameters()):
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad

    def train(self, case, losses_of, steps):
        """Some steps on batches of their own, each with all hooks; the gradients of all."""
        filled = []
        for step in steps:
            batch = case.batch(6, seed=step)
            for weighting in self.weightings:
                weighting.progress(step / 10)
            filled.append(self.backward(losses_of(self.model, batch))[0])
            self.step()
            for group, weighting in zip(self.groups, self.weightings, strict=True):
                weighting.after_step(lambda batch=batch: losses_of(self.model, batch))
                weighting.end_epoch({task: 1 / (step + k) for k, task in enumerate(group.tasks, 1)})
        return filled


def plain_gradients(model, loss):
    """``{parameter: gradient}``, zeros where the loss does not reach it."""
    names, parameters = zip(*model.named_parameters(), strict=True)
    grads = torch.autograd.grad(
        loss, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(names, grads, strict=True))


def assert_close(actual, expected):
    assert list(actual) == list(expected)
    for name in actual:
        torch.testing.assert_close(actual[name], expected[name], rtol=1e-7, atol=1e-9)


def test_every_weighting_and_architecture_is_tried(weighting_names, cases):
    assert weighting_names == sorted(path.stem for path in (CONF / "weighting").glob("*.yaml"))
    assert len(weighting_names) >= 3
    assert len({case.arch for case in cases}) == len(list((CONF / "arch").glob("*.yaml"))) >= 11


def test_every_parameter_gets_a_finite_gradient(mlp_case, weighting, losses_of):
    model = mlp_case.model()
    learners = Learners(model, weighting)
    grads, used = learners.backward(losses_of(model, mlp_case.batch(6)))
    assert list(grads) == [name for name, _ in model.named_parameters()]
    assert all(grad.isfinite().all() for grad in grads.values())
    assert set(used) == set(mlp_case.reads)


def test_the_step_is_the_weighted_sum_that_it_says(mlp_case, weighting, losses_of):
    """Specific parameters: weighted too by a loss weighting, otherwise the plain sum."""
    model = mlp_case.model()
    learners = Learners(model, weighting)
    losses = losses_of(model, mlp_case.batch(6))
    each = {task: plain_gradients(model, loss) for task, loss in losses.items()}
    grads, used = learners.backward(losses)
    for group, method in zip(learners.groups, learners.weightings, strict=True):
        names = {id(p): name for name, p in model.named_parameters()}
        for kind, parameters in (("shared", group.shared), ("specific", group.specific)):
            weighted = kind == "shared" or isinstance(method, LossWeighting)
            weights = {task: used[task] if weighted else 1.0 for task in group.tasks}
            if None in weights.values():
                continue  # the method is no weighted sum
            for name in (names[id(p)] for p in parameters):
                expected = sum(weights[task] * each[task][name] for task in group.tasks)
                torch.testing.assert_close(grads[name], expected, rtol=1e-7, atol=1e-9)


def test_the_architectures_own_term_is_added_as_it_is(mlp_case, weighting, losses_of):
    model, batch = mlp_case.model(), mlp_case.batch(6)
    without, _ = Learners(model, weighting).backward(losses_of(model, batch))
    extra = sum(p.square().sum() for p in model.parameters())
    grads, _ = Learners(model, weighting).backward(losses_of(model, batch), extra)
    assert_close(grads, {name: without[name] + 2 * p for name, p in model.named_parameters()})


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_step_without_a_task_is_that_of_the_others(mlp_case, weighting, losses_of, absent):
    model, batch = mlp_case.model(), mlp_case.batch(6)
    name = list(mlp_case.reads)[absent]
    present = [task for task in mlp_case.reads if task != name]

    def losses():
        return {task: loss for task, loss in losses_of(model, batch).items() if task != name}

    knowing_all = Learners(model, weighting)
    states = [state_of(method, name) for method in knowing_all.weightings]
    grads, used = knowing_all.backward(losses())
    knowing_all.step()
    for method in knowing_all.weightings:
        method.after_step(losses)
    expected, expected_used = Learners(model, weighting, present).backward(losses())
    assert_close(grads, expected)
    assert list(used) == list(expected_used) == present
    for method, before in zip(knowing_all.weightings, states, strict=True):
        assert_close(state_of(method, name), before)


def state_of(weighting, task):
    """What a weighting keeps of one task: tensors under its name, and its part of those of K."""
    kept, k = {}, weighting.tasks.index(task) if task in weighting.tasks else None
    for name, value in weighting.state_dict().items():
        if module_key(task) in name.split("."):
            kept[name] = value.clone()
        elif k is not None and isinstance(value, torch.Tensor):
            for dim, size in enumerate(value.shape):
                if size == len(weighting.tasks):
                    kept[f"{name} {dim}"] = value.select(dim, k).clone()
    return kept


def assert_positive_multiple(grads, plain, names):
    """Whether the gradients of some parameters, as one vector, point along the plain ones."""
    grad = torch.cat([grads.get(name, 0 * plain[name]).flatten() for name in names])
    direction = torch.cat([plain[name].flatten() for name in names])
    factor = (grad @ direction) / (direction @ direction)
    assert factor > 1e-6
    torch.testing.assert_close(grad, factor * direction, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("which", ["one task", "equal gradients"])
def test_without_conflict_the_step_follows_the_gradient(mlp_case, weighting, losses_of, which):
    model = mlp_case.model()
    learners = Learners(model, weighting)
    first, loss = next(iter(losses_of(model, mlp_case.batch(6)).items()))
    plain, group = plain_gradients(model, loss), learners.groups[0]
    losses = dict.fromkeys(group.tasks if which == "equal gradients" else [first], loss)
    grads, _ = learners.backward(losses)
    names = {id(p): name for name, p in model.named_parameters()}
    for parameters in filter(None, (group.shared, group.specific)):
        assert_positive_multiple(grads, plain, [names[id(p)] for p in parameters])


def test_a_saved_state_goes_on_as_if_nothing_had_been(mlp_case, weighting, losses_of):
    model = mlp_case.model()
    first, second = Learners(model, weighting), Learners(model, weighting)
    first.train(mlp_case, losses_of, range(3))
    for own, other in zip(first.weightings, second.weightings, strict=True):
        file = io.BytesIO()
        torch.save(own.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file, weights_only=True))
    going_on = first.train(mlp_case, losses_of, range(3, 6))
    resumed = second.train(mlp_case, losses_of, range(3, 6))
    for a, b in zip(going_on, resumed, strict=True):
        assert list(a) == list(b)
        assert all(torch.equal(a[name], b[name]) for name in a)
