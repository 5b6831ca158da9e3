"""NDDR against a plain loop over torch's modules; at its start, and with one task."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from mtl_cli.arch.nddr import NDDR
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.transformer import Transformer

TASKS = {"a": "x", "type": "x", "c": "x"}


def make_mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)


def make_cnn(spec):
    return CNN(spec, [3, 2], 3, 5, 0.0)


def make_map(spec):
    return CNN(spec, [3, 2], 3, None, 0.0)


CASES = [
    pytest.param(Dense((7,)), make_mlp, id="vector"),
    pytest.param(BagOfWords(11), make_mlp, id="bag of words"),
    pytest.param(Dense((2, 8, 8)), make_cnn, id="image"),
    pytest.param(Dense((2, 8, 12)), make_map, id="map"),
]


def make(spec, make_encoder, tasks=TASKS, self_weight=0.9, normalization="batch"):
    """An NDDR network, and the encoders of its columns."""
    torch.manual_seed(0)
    columns = [make_encoder(spec) for _ in tasks]
    left = iter(deepcopy(columns))
    arch = NDDR(lambda _: next(left), {"x": spec}, tasks, self_weight, normalization)
    return arch, columns


class Plain(nn.Module):
    """The same network, as torch's modules make it."""

    def __init__(self, arch: NDDR, columns: list, normalization: str) -> None:
        super().__init__()
        self.columns = nn.ModuleList(columns)
        self.layers = nn.ModuleList()
        for reductions, shape in zip(arch.reductions, columns[0].shapes, strict=True):
            is_map = len(shape) == 3
            row = nn.ModuleList()
            for reduction in reductions:
                sizes = shape[0] * len(columns), shape[0]
                bias = normalization == "none"
                linear = nn.Conv2d(*sizes, 1, bias=bias) if is_map else nn.Linear(*sizes, bias=bias)
                linear.weight.data.copy_(reduction.weight.data.view_as(linear.weight))
                layers = [linear, nn.ReLU()]
                if bias:
                    linear.bias.data.copy_(reduction.norm.bias.data)
                else:
                    norm = (nn.BatchNorm2d if is_map else nn.BatchNorm1d)(shape[0], momentum=0.05)
                    norm.weight.data.copy_(reduction.norm.weight.data)
                    norm.bias.data.copy_(reduction.norm.bias.data)
                    layers.insert(1, norm)
                row.append(nn.Sequential(*layers))
            self.layers.append(row)

    def forward(self, x):
        h = [x] * len(self.columns)
        for s, row in enumerate(self.layers):
            out = [column.stages[s](own) for column, own in zip(self.columns, h, strict=True)]
            h = [layer(torch.cat(out, 1)) for layer in row]
        return h


@pytest.mark.parametrize("normalization", ["batch", "none"])
@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
def test_it_is_a_plain_loop_over_torchs_modules(spec, make_encoder, normalization):
    arch, columns = make(spec, make_encoder, normalization=normalization)
    for parameter in arch.reductions.parameters():
        nn.init.normal_(parameter)
    plain = Plain(arch, columns, normalization)
    for step in range(3):
        torch.manual_seed(step)
        x = spec.example(5)
        outputs, expected = list(arch({"x": x}).values()), plain(x)
        for output, right in zip(outputs, expected, strict=True):
            torch.testing.assert_close(output, right, rtol=1e-5, atol=1e-5)
    own = [reduction.weight for reductions in arch.reductions for reduction in reductions]
    right = [layers[0].weight for row in plain.layers for layers in row]
    found, by_loop = (
        torch.autograd.grad(sum(output.square().sum() for output in given), weights)
        for given, weights in ((outputs, own), (expected, right))
    )
    for grad, expected_grad in zip(found, by_loop, strict=True):
        torch.testing.assert_close(grad, expected_grad.view_as(grad), rtol=1e-4, atol=1e-4)
    x = spec.example(2)
    for output, right in zip(arch.eval()({"x": x}).values(), plain.eval()(x), strict=True):
        torch.testing.assert_close(output, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_tasks", [2, 3, 5])
@pytest.mark.parametrize("self_weight", [0.0, 0.5, 0.9, 1])
def test_at_first_every_column_passes_channel_by_channel(num_tasks, self_weight):
    tasks = {f"task {k}": "x" for k in range(num_tasks)}
    arch, _ = make(Dense((7,)), make_mlp, tasks, self_weight)
    for reductions, width in zip(arch.reductions, (6, 5), strict=True):
        for k, reduction in enumerate(reductions):
            for j, block in enumerate(reduction.weight.detach().split(width, 1)):
                weight = self_weight if j == k else (1 - self_weight) / (num_tasks - 1)
                torch.testing.assert_close(block, weight * torch.eye(width))


@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
def test_a_task_alone_is_its_column(spec, make_encoder):
    arch, (column,) = make(spec, make_encoder, {"alone": "x"})
    x = spec.example(4)
    torch.testing.assert_close(arch({"x": x})["alone"], column(x))
    assert arch.expert_weights() == []


def test_a_single_example_trains_by_the_running_statistics():
    arch, _ = make(Dense((7,)), make_mlp)
    arch({"x": torch.randn(8, 7)})
    x = torch.randn(1, 7)
    trained = arch({"x": x})
    for task, output in arch.eval()({"x": x}).items():
        torch.testing.assert_close(trained[task], output)


def test_every_input_has_statistics_of_its_own():
    specs, tasks = {"left": Dense((7,)), "right.x": Dense((7,))}, {"a": "left", "b": "right.x"}
    arch = NDDR(make_mlp, specs, tasks, 0.9, "batch")
    x = torch.randn(64, 7)
    for _ in range(3):
        arch({"left": x, "right.x": 100 + 10 * x})
    means = arch.reductions[0][0].norm.running_mean
    assert not torch.allclose(means[0], means[1], atol=0.05)
    before = means[1].clone()
    arch({"left": x})
    assert torch.equal(means[1], before)


def test_padding_of_a_text_stays_padding():
    spec = Tokens(11, 6)
    arch, _ = make(spec, lambda spec: Transformer(spec, 32, 2, 2, 2.0, 0.0, 4, True))
    arch({"x": spec.example(16)})
    arch.eval()
    short = torch.tensor([[3, 1, 4], [5, 3, 0]])
    long = torch.cat([short, torch.zeros(2, 3, dtype=torch.long)], 1)
    for task, output in arch({"x": long}).items():
        torch.testing.assert_close(output, arch({"x": short})[task])


def test_what_a_task_reads_of_each_column_is_told():
    arch, _ = make(Dense((7,)), make_mlp, self_weight=0.8)
    for gate in arch.expert_weights():
        shares = gate.weights[:, 0] / gate.weights[:, 0].sum(1, keepdim=True)
        expected = torch.full((3, 3), 0.1).fill_diagonal_(0.8)
        torch.testing.assert_close(shares, expected)


@pytest.mark.parametrize("self_weight", [-0.1, 1.5, "much", None, True])
def test_a_self_weight_outside_0_to_1_is_refused(self_weight):
    with pytest.raises(Problem, match=r"arch\.self_weight must be a number from 0 to 1"):
        make(Dense((7,)), make_mlp, self_weight=self_weight)


@pytest.mark.parametrize("normalization", ["layer", None, True])
def test_another_normalization_is_refused(normalization):
    with pytest.raises(Problem, match=r"arch\.normalization must be one of batch, none"):
        make(Dense((7,)), make_mlp, normalization=normalization)
