"""Cross-stitch against a plain loop over columns; without mixing, and with one task."""

from copy import deepcopy

import pytest
import torch

from mtl_cli.arch.cross_stitch import CrossStitch
from mtl_cli.arch.single_task import SingleTask
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP

pytestmark = pytest.mark.usefixtures("double_precision")

TASKS = {"a": "x", "type": "x", "c": "x"}


def make_mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)


def make_cnn(spec):
    return CNN(spec, [3, 2], 3, 5, 0.0)


CASES = [
    pytest.param(Dense((7,)), make_mlp, id="vector"),
    pytest.param(BagOfWords(11), make_mlp, id="bag of words"),
    pytest.param(Dense((2, 8, 8)), make_cnn, id="image"),
]


def make(spec, make_encoder, tasks=TASKS, self_weight=0.9):
    """A cross-stitch network, and the encoders of its columns."""
    columns = [make_encoder(spec) for _ in tasks]
    left = iter(deepcopy(columns))
    return CrossStitch(lambda _: next(left), {"x": spec}, tasks, self_weight), columns


@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
def test_identity_is_single_task(spec, make_encoder):
    arch, columns = make(spec, make_encoder, self_weight=1)
    left = iter(columns)
    single = SingleTask(lambda _: next(left), {"x": spec}, TASKS)
    x = spec.example(4)
    expected = single({"x": x})
    for task, output in arch({"x": x}).items():
        torch.testing.assert_close(output, expected[task])


@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
def test_every_stage_is_mixed_channel_by_channel(spec, make_encoder):
    arch, columns = make(spec, make_encoder)
    for alpha in arch.alphas:
        torch.nn.init.normal_(alpha)
    x = spec.example(4)
    h = [x] * len(columns)
    for s, alpha in enumerate(arch.alphas):
        out = [column.stages[s](h_j) for column, h_j in zip(columns, h, strict=True)]
        h = []
        for k in range(len(columns)):
            mixed = torch.zeros_like(out[0])
            for j in range(len(columns)):
                for c in range(alpha.shape[-1]):
                    mixed[:, c] += alpha[k, j, c] * out[j][:, c]
            h.append(mixed)
    outputs = list(arch({"x": x}).values())
    for output, expected in zip(outputs, h, strict=True):
        torch.testing.assert_close(output, expected)
    directions = [torch.randn_like(output) for output in outputs]
    own = torch.autograd.grad(outputs, list(arch.alphas), directions)
    by_loop = torch.autograd.grad(h, list(arch.alphas), directions)
    for grad, expected in zip(own, by_loop, strict=True):
        torch.testing.assert_close(grad, expected)


@pytest.mark.parametrize("num_tasks", [1, 2, 3, 5])
@pytest.mark.parametrize("self_weight", [0.0, 0.5, 0.9])
def test_first_alphas_sum_to_one_for_a_task(num_tasks, self_weight):
    tasks = {f"task {k}": "x" for k in range(num_tasks)}
    arch, _ = make(Dense((7,)), make_mlp, tasks, self_weight)
    shapes = [(num_tasks, num_tasks, width) for width in (6, 5)]
    assert [tuple(alpha.shape) for alpha in arch.alphas] == shapes
    for alpha in arch.alphas:
        torch.testing.assert_close(alpha.sum(1), torch.ones_like(alpha[0]))
        for k in range(num_tasks):
            own = torch.full_like(alpha[k, k], self_weight if num_tasks > 1 else 1.0)
            torch.testing.assert_close(alpha[k, k].data, own)
            others = alpha[k, [j for j in range(num_tasks) if j != k]]
            assert others.numel() == 0 or (others == others[0, 0]).all()


@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
def test_a_task_alone_is_its_column(spec, make_encoder):
    arch, (column,) = make(spec, make_encoder, {"alone": "x"})
    x = spec.example(4)
    torch.testing.assert_close(arch({"x": x})["alone"], column(x))


@pytest.mark.parametrize("self_weight", [-0.1, 1.5, "much", None, True])
def test_a_self_weight_outside_0_to_1_is_refused(self_weight):
    with pytest.raises(Problem, match=r"arch\.self_weight must be a number from 0 to 1"):
        make(Dense((7,)), make_mlp, self_weight=self_weight)
