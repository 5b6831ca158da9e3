"""The multi-layer perceptron against a loop over its matrices."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.activation import ACTIVATIONS
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.mlp import MLP

VALID = {"hidden": [4], "activation": "relu", "dropout": 0.0}


def plain_loop(encoder: MLP, x: torch.Tensor, activation: str) -> list[torch.Tensor]:
    """What each stage gives, from the encoder's matrices and torch's function of that name."""
    matrices = list(encoder.parameters())
    stages = []
    for weight, bias in zip(matrices[::2], matrices[1::2], strict=True):
        x = getattr(torch if activation in ("tanh", "sigmoid") else F, activation)(
            x.flatten(1) @ weight.T + bias
        )
        stages.append(x)
    return stages


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [[8], [8, 5], [3, 1, 6]])
def test_every_stage_gives_what_a_plain_loop_gives(hidden, activation):
    encoder, x = MLP(Dense((2, 4)), hidden, activation, 0.0), torch.randn(5, 2, 4)
    expected = plain_loop(encoder, x, activation)
    assert_close(encoder(x), expected[-1])
    out = x
    for stage, shape, right in zip(encoder.stages, encoder.shapes, expected, strict=True):
        out = stage(out)
        assert_close(out, right)
        assert out.shape[1:] == shape
    assert encoder.shapes == [(width,) for width in hidden]
    assert len(ACTIVATIONS) >= 7


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_those_of_the_plain_loop(activation):
    """Also where the activation overwrites its input."""
    encoder = MLP(Dense((4,)), [7, 3], activation, 0.0)
    x = torch.randn(6, 4, requires_grad=True)
    found, expected = (
        torch.autograd.grad(out.square().sum(), [x, *encoder.parameters()])
        for out in (encoder(x), plain_loop(encoder, x, activation)[-1])
    )
    assert_close(found, expected)


def test_on_a_bag_of_words_it_is_the_one_on_the_counts():
    spec = BagOfWords(9)
    sparse, dense = (MLP(s, [6, 4], "tanh", 0.0) for s in (spec, Dense((9,))))
    with torch.no_grad():
        for own, other in zip(dense.parameters(), sparse.parameters(), strict=True):
            own.copy_(other if own.shape == other.shape else other.T)
    x = spec.example(5)
    words = x.indices.split(x.offsets.diff().tolist())
    counts = torch.stack([w.bincount(minlength=9) for w in words]).float()
    assert_close(sparse(x), dense(counts))


def test_dropout_is_after_every_layer_and_only_in_training():
    encoder, x = MLP(Dense((4,)), [2000, 2000], "sigmoid", 0.25), torch.randn(1, 4)
    for stage in encoder.stages:
        assert (stage(x) == 0).float().mean().item() == pytest.approx(0.25, abs=0.06)
        x = stage(x)
    encoder.eval()
    x = torch.randn(3, 4)
    assert_close(encoder(x), plain_loop(encoder, x, "sigmoid")[-1])


def test_without_dropout_there_is_no_such_module():
    modules = MLP(Dense((4,)), [8, 8], "relu", 0.0).modules()
    assert not any(isinstance(module, nn.Dropout) for module in modules)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("hidden", wrong) for wrong in ([], 128, "128", [0], [8, -1], [8.0], None)),
        *(("activation", wrong) for wrong in ("rellu", "", None)),
        *(("dropout", wrong) for wrong in (-0.1, 1.1, "abc", None, torch.nan)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"encoder\.{option} must be"):
        MLP(Dense((4,)), **VALID | {option: wrong})
