"""What every weighting promises, on every architecture, with one input and with one for each task.

A new weighting is tested by having its YAML in ``conf/weighting``: see ``tests/conftest.py``.
"""

import io
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.base import LossWeighting
from mtl_cli.weighting.fixed import Fixed

pytestmark = pytest.mark.usefixtures("double_precision")
CONF = Path(__file__).parent.parent.parent / "conf"

# What depends on the weighting alone is tried on three architectures: all shared, most, a little.
FEW = ["hps", "mmoe", "cross_stitch"]

# The order of the tasks is part of these methods: they draw for each in turn, or one comes first.
ORDERED = {"rlw", "pcgrad", "gradvac", "pcd"}

# What multiplies a specific gradient, where that is neither 1 nor the weight that a method says.
OF_SPECIFIC = {"db_mtl": lambda loss: 1 / (loss.detach() + 1e-8)}


@cache
def made(case):
    """A model of the case; each takes a while, and no weighting changes one."""
    model = case.model()
    return model, {name: value.clone() for name, value in model.state_dict().items()}


def model_of(case):
    """The model of the case as it was made."""
    model, state = made(case)
    model.load_state_dict(state)
    model.arch.progress(0.0)
    model.zero_grad()
    torch.default_generator.manual_seed(1)  # of weightings that draw when they are made
    return model.train()


@cache
def groups_of(model):
    return model.groups()


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
        self.groups = groups_of(model)
        self.weightings = []
        for group in self.groups:
            own = [task for task in group.tasks if tasks is None or task in tasks]
            self.weightings.append(make_weighting(own) if len(group.tasks) > 1 else Fixed(own))
            self.weightings[-1].watch(group.last_shared)

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
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    names, parameters = zip(*trained, strict=True)
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
    model = model_of(mlp_case)
    learners = Learners(model, weighting)
    grads, used = learners.backward(losses_of(model, mlp_case.batch(6)))
    assert list(grads) == [name for name, p in model.named_parameters() if p.requires_grad]
    assert all(grad.isfinite().all() for grad in grads.values())
    assert set(used) == set(mlp_case.reads)


def test_the_step_is_the_weighted_sum_that_it_says(request, mlp_case, weighting, losses_of):
    """Specific parameters: weighted too by a loss weighting, otherwise the plain sum."""
    model = model_of(mlp_case)
    learners = Learners(model, weighting)
    losses = losses_of(model, mlp_case.batch(6))
    each = {task: plain_gradients(model, loss) for task, loss in losses.items()}
    grads, used = learners.backward(losses)
    for group, method in zip(learners.groups, learners.weightings, strict=True):
        names = {id(p): name for name, p in model.named_parameters()}
        for kind, parameters in (("shared", group.shared), ("specific", group.specific)):
            weighted = kind == "shared" or isinstance(method, LossWeighting)
            weights = {task: used[task] if weighted else 1.0 for task in group.tasks}
            of_specific = OF_SPECIFIC.get(request.node.callspec.params["weighting"])
            if kind == "specific" and of_specific and len(group.tasks) > 1:
                weights = {task: of_specific(losses[task]) for task in group.tasks}
            if None in weights.values():
                continue  # the method is no weighted sum
            for name in (names[id(p)] for p in parameters):
                expected = sum(weights[task] * each[task][name] for task in group.tasks)
                torch.testing.assert_close(grads[name], expected, rtol=1e-7, atol=1e-9)


def test_the_architectures_own_term_is_added_as_it_is(mlp_case, weighting, losses_of):
    model, batch = model_of(mlp_case), mlp_case.batch(6)
    without, _ = Learners(model, weighting).backward(losses_of(model, batch))
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    extra = sum(p.square().sum() for p in trained.values())
    grads, _ = Learners(model, weighting).backward(losses_of(model, batch), extra)
    assert_close(grads, {name: without[name] + 2 * p for name, p in trained.items()})


def few(cases):
    """Some architectures, all of whose tasks read one input."""
    found = [case for case in cases if (case.encoder, case.arrangement) == ("mlp", "one input")]
    found = [case for case in found if case.arch in FEW and case.kind is Dense]
    assert len(found) == len(FEW)
    return found


def test_bags_of_words_are_as_good_an_input(weighting, cases, losses_of):
    bags = [case for case in cases if (case.encoder, case.kind) == ("mlp", BagOfWords)]
    bags = [case for case in bags if case.arrangement == "one input"]
    assert len(bags) >= 11
    for case in bags:
        model = model_of(case)
        grads, _ = Learners(model, weighting).backward(losses_of(model, case.batch(6)))
        assert list(grads) == [name for name, p in model.named_parameters() if p.requires_grad]
        assert all(grad.isfinite().all() for grad in grads.values())


def test_a_step_without_a_task_is_that_of_the_others(mlp_case, weighting, losses_of):
    model, batch = model_of(mlp_case), mlp_case.batch(6)
    for name in mlp_case.reads:
        present = [task for task in mlp_case.reads if task != name]
        losses = without(name, losses_of(model, batch))
        grads, used = Learners(model, weighting).backward(losses)
        losses = without(name, losses_of(model, batch))
        expected, expected_used = Learners(model, weighting, present).backward(losses)
        assert_close(grads, expected)
        assert list(used) == list(expected_used) == present


def test_a_tasks_state_stays_as_it_is_while_it_is_absent(weighting, cases, losses_of):
    for case in few(cases):
        model, batch = model_of(case), case.batch(6)
        learners = Learners(model, weighting)
        learners.train(case, losses_of, range(2))
        for name in case.reads:
            (method,) = learners.weightings
            before = state_of(method, name)
            learners.backward(without(name, losses_of(model, batch)))
            learners.step()
            method.after_step(lambda model=model, batch=batch: losses_of(model, batch))
            method.end_epoch(dict.fromkeys(without(name, case.reads), 0.5))
            after = state_of(method, name)
            assert list(after) == list(before)
            for key, value in before.items():
                torch.testing.assert_close(after[key], value, rtol=0, atol=0, equal_nan=True)


def without(task, of):
    return {name: value for name, value in of.items() if name != task}


def state_of(weighting, task):
    """What a weighting keeps of one task: tensors under its name, and its part of those of K."""
    kept, k = {}, weighting.tasks.index(task)
    for name, value in tensors_in(weighting.state_dict()):
        if module_key(task) in name.split(".") or task in name.split("/"):
            kept[name] = value.clone()
        else:
            for dim, size in enumerate(value.shape):
                if size == len(weighting.tasks):
                    kept[f"{name} {dim}"] = value.select(dim, k).clone()
    return kept


def tensors_in(state, path=""):
    """The tensors of a state at any depth, by name."""
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            yield path + name, value
        elif isinstance(value, dict):
            yield from tensors_in(value, f"{path}{name}/")


def test_the_order_of_the_tasks_does_not_matter(request, weighting, cases, losses_of):
    """Where it does, a method says so; a step later states have been read and written, too."""
    if request.node.callspec.params["weighting"] in ORDERED:
        return
    for case in few(cases):
        model = model_of(case)
        filled = []
        for turn in (1, -1):
            learners = Learners(model, lambda tasks, turn=turn: weighting(tasks[::turn]))
            for batch in (case.batch(6, seed=0), case.batch(6, seed=1)):
                losses = losses_of(model, batch)
                ordered = dict(list(losses.items())[::turn])
                (group,), (method,) = learners.groups, learners.weightings
                model.zero_grad()
                torch.default_generator.manual_seed(3)
                method.backward(ordered, group.shared, group.specific, None, model.representations)
                method.after_step(lambda model=model, batch=batch: losses_of(model, batch))
                method.end_epoch({task: loss.item() for task, loss in ordered.items()})
            filled.append({name: p.grad.clone() for name, p in model.named_parameters()})
        for name in filled[0]:
            torch.testing.assert_close(filled[0][name], filled[1][name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("count", [1, 3])
def test_a_task_without_a_gradient_does_no_harm(weighting, cases, losses_of, count):
    for case in few(cases):
        model = model_of(case)
        losses = losses_of(model, case.batch(6))
        flat = {task: 0 * loss + 0.7 for task, loss in list(losses.items())[:count]}
        grads, _ = Learners(model, weighting).backward(losses | flat)
        assert all(grad.isfinite().all() for grad in grads.values())


def test_64_tasks_are_not_too_many(weighting):
    tasks = [f"task {k}" for k in range(64)]
    method = weighting(tasks)
    torch.default_generator.manual_seed(0)
    shared, specific = nn.Parameter(torch.randn(9, 5)), nn.Parameter(torch.randn(64, 9))
    method.watch([shared])
    x, y = torch.randn(16, 5), torch.randn(64, 16)
    for _ in range(2):
        shared.grad = specific.grad = None
        features = (x @ shared.T).tanh()  # [B, F]
        each = (specific @ features.T - y).square().mean(1)  # [K]
        losses = dict(zip(tasks, each, strict=True))
        used = method.backward(losses, [shared], [specific], features=[features])
        method.after_step(lambda losses=losses: losses)
    assert used is None or list(used) == tasks
    assert shared.grad.isfinite().all()
    assert shared.grad.abs().sum() > 0
    assert specific.grad.isfinite().all()


def assert_positive_multiple(grads, plain, names):
    """Whether the gradients of some parameters, as one vector, point along the plain ones."""
    grad = torch.cat([grads.get(name, 0 * plain[name]).flatten() for name in names])
    direction = torch.cat([plain[name].flatten() for name in names])
    factor = (grad @ direction) / (direction @ direction)
    assert factor > 1e-6
    torch.testing.assert_close(grad, factor * direction, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("which", ["one task", "equal gradients"])
def test_without_conflict_the_step_follows_the_gradient(mlp_case, weighting, losses_of, which):
    model = model_of(mlp_case)
    learners = Learners(model, weighting)
    first, loss = next(iter(losses_of(model, mlp_case.batch(6)).items()))
    plain, group = plain_gradients(model, loss), learners.groups[0]
    losses = dict.fromkeys(group.tasks if which == "equal gradients" else [first], loss)
    grads, _ = learners.backward(losses)
    names = {id(p): name for name, p in model.named_parameters()}
    for parameters in filter(None, (group.shared, group.specific)):
        assert_positive_multiple(grads, plain, [names[id(p)] for p in parameters])


def test_a_saved_state_goes_on_as_if_nothing_had_been(weighting, cases, losses_of):
    for case in few(cases):
        model = model_of(case)
        first, second = Learners(model, weighting), Learners(model, weighting)
        first.train(case, losses_of, range(3))
        for own, other in zip(first.weightings, second.weightings, strict=True):
            file = io.BytesIO()
            torch.save(own.state_dict(), file)
            file.seek(0)
            other.load_state_dict(torch.load(file, weights_only=True))
        going_on = first.train(case, losses_of, range(3, 6))
        resumed = second.train(case, losses_of, range(3, 6))
        for a, b in zip(going_on, resumed, strict=True):
            assert list(a) == list(b)
            assert all(torch.equal(a[name], b[name]) for name in a)
