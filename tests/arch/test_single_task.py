"""Single-task learning is K encoders that know nothing of each other."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from mtl_cli.arch.single_task import SingleTask
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP

TASKS = {"digit": "x", "type": "x", "a.b": "y"}
INPUTS = {"x": Dense((7,)), "y": BagOfWords(11)}


def make_mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)


def given(encoders):
    """Makes encoders one after the other out of those that are given."""
    left = iter(encoders)
    return lambda spec: next(left)


def examples(seed):
    torch.manual_seed(seed)
    return {name: spec.example(4) for name, spec in INPUTS.items()}


def test_each_task_gets_what_its_encoder_gives_alone():
    encoders = [make_mlp(INPUTS[name]) for name in TASKS.values()]
    arch = SingleTask(given(deepcopy(encoders)), INPUTS, TASKS)
    inputs = examples(0)
    for (task, features), encoder in zip(arch(inputs).items(), encoders, strict=True):
        assert torch.equal(features, encoder(inputs[TASKS[task]]))


def test_each_task_may_have_features_of_its_own_shape():
    image = Dense((1, 8, 8))
    encoders = [make_mlp(image), CNN(image, [3], 3, 9, 0.0)]
    arch = SingleTask(given(encoders), {"x": image}, {"a": "x", "b": "x"})
    assert arch.out_shapes == {"a": (5,), "b": (9,)}
    assert [tuple(f.shape) for f in arch({"x": image.example(2)}).values()] == [(2, 5), (2, 9)]


@pytest.mark.parametrize("make_optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_training_the_tasks_together_is_training_each_alone(make_optimizer):
    encoders = [make_mlp(INPUTS[name]) for name in TASKS.values()]
    arch = SingleTask(given(deepcopy(encoders)), INPUTS, TASKS)
    steps = [examples(seed) for seed in range(3)]

    def train(model: nn.Module, losses):
        optimizer = make_optimizer(model.parameters(), lr=0.01)
        for inputs in steps:
            optimizer.zero_grad()
            sum(losses(inputs)).backward()
            optimizer.step()

    train(arch, lambda inputs: [f.square().sum() for f in arch(inputs).values()])
    for encoder, (task, name) in zip(encoders, TASKS.items(), strict=True):
        train(encoder, lambda inputs, e=encoder, n=name: [e(inputs[n]).square().sum()])
        together = arch(steps[0], [task])[task]
        torch.testing.assert_close(together, encoder(steps[0][name]))
