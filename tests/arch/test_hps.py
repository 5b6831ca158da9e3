"""Hard sharing is one encoder, run once for an input, whatever the number of tasks."""

import pytest
import torch

from mtl_cli.arch.hps import HPS
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP

SPECS = [Dense((7,)), Dense((2, 8, 8)), BagOfWords(11)]


def make_mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="relu", dropout=0.0)


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("num_tasks", [1, 3])
def test_every_task_gets_what_the_encoder_gives(spec, num_tasks):
    encoder = make_mlp(spec)
    arch = HPS(lambda _: encoder, {"x": spec}, {f"task {k}": "x" for k in range(num_tasks)})
    x = spec.example(4)
    outputs = arch({"x": x})
    assert len(outputs) == num_tasks
    for features in outputs.values():
        assert torch.equal(features, encoder(x))


def test_inputs_of_equal_spec_have_one_encoder():
    spec = SPECS[0]
    arch = HPS(make_mlp, {"x": spec, "y": spec}, {"a": "x", "b": "y"})
    x = spec.example(4)
    outputs = arch({"x": x, "y": x})
    assert torch.equal(outputs["a"], outputs["b"])
    alone = sum(p.numel() for p in make_mlp(spec).parameters())
    assert sum(p.numel() for p in arch.parameters()) == alone


def test_the_encoder_runs_once_for_an_input_that_is_there():
    spec = SPECS[1]
    arch = HPS(
        lambda spec: CNN(spec, [3], 3, 5, 0.0),
        {"x": spec, "y": spec},
        {"a": "x", "b": "x", "c": "x", "d": "y"},
    )
    calls = []
    for module in arch.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda *_: calls.append(1))
    x = spec.example(2)
    for inputs, tasks, expected in [
        ({"x": x, "y": x}, None, 2),
        ({"x": x}, None, 1),
        ({"x": x, "y": x}, ["a", "c"], 1),
        ({"x": x, "y": x}, [], 0),
    ]:
        calls.clear()
        arch(inputs, tasks)
        assert len(calls) == expected
