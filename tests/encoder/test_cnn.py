"""The convolutional encoder against torch's functions on the same kernels."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.cnn import CNN

VALID = {"channels": [4], "kernel_size": 3, "out_features": 6, "dropout": 0.0}
SHAPES = [
    ((1, 28, 28), [16, 32], 5),
    ((3, 9, 13), [4], 1),
    ((2, 8, 15), [3, 2, 5], 3),
    ((1, 2, 2), [2], 7),
]


def plain_loop(encoder: CNN, x: torch.Tensor) -> list[torch.Tensor]:
    """What each stage gives."""
    *kernels, weight, bias = encoder.parameters()
    stages = []
    for kernel, offset in zip(kernels[::2], kernels[1::2], strict=True):
        x = F.conv2d(x, kernel, offset, padding="same")
        x = F.max_pool2d(F.relu(x), kernel_size=2)
        stages.append(x)
    return [*stages, F.relu(x.flatten(1) @ weight.T + bias)]


@pytest.mark.parametrize(("shape", "channels", "kernel_size"), SHAPES)
def test_every_stage_gives_what_torchs_functions_give(shape, channels, kernel_size):
    encoder = CNN(Dense(shape), channels, kernel_size, 6, 0.0)
    x = torch.randn(3, *shape)
    expected = plain_loop(encoder, x)
    assert_close(encoder(x), expected[-1])
    assert len(encoder.stages) == len(expected) == len(channels) + 1
    out = x
    for stage, own, right in zip(encoder.stages, encoder.shapes, expected, strict=True):
        out = stage(out)
        assert_close(out, right)
        assert out.shape[1:] == own
    assert encoder.out_shape == (6,)


@pytest.mark.parametrize(("shape", "channels", "kernel_size"), SHAPES)
def test_without_a_fully_connected_stage_features_are_the_last_map(shape, channels, kernel_size):
    encoder, whole = (CNN(Dense(shape), channels, kernel_size, f, 0.5) for f in (None, 6))
    encoder.load_state_dict(whole.state_dict(), strict=False)
    x = torch.randn(3, *shape)
    assert torch.equal(encoder(x), plain_loop(whole, x)[-2])
    assert encoder.shapes == whole.shapes[:-1]
    assert encoder(x).shape[1:] == encoder.out_shape


def test_it_is_widened_with_and_without_a_fully_connected_stage():
    assert CNN.widened(VALID, 1.5) == {"channels": [6], "out_features": 9}
    assert CNN.widened(VALID | {"out_features": None}, 1.5) == {"channels": [6]}


def test_gradients_are_those_of_torchs_functions():
    encoder, x = CNN(Dense((2, 8, 8)), [4, 3], 3, 5, 0.0), torch.randn(3, 2, 8, 8)
    found, expected = (
        torch.autograd.grad(out.square().sum(), list(encoder.parameters()))
        for out in (encoder(x), plain_loop(encoder, x)[-1])
    )
    assert_close(found, expected)


def test_dropout_is_on_the_features_and_only_in_training():
    torch.manual_seed(0)
    encoder, x = CNN(Dense((1, 4, 4)), [3], 3, 4000, 0.5), torch.randn(1, 1, 4, 4)
    kept = encoder(x)[plain_loop(encoder, x)[-1] > 0] > 0
    assert kept.float().mean().item() == pytest.approx(0.5, abs=0.06)
    encoder.eval()
    assert_close(encoder(x), plain_loop(encoder, x)[-1])


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("channels", wrong) for wrong in ([], 16, "16", [0], [4, 2.0], None)),
        *(("kernel_size", wrong) for wrong in (0, 4, -3, 3.0, "3", None)),
        *(("out_features", wrong) for wrong in (0, 1.5, "6", False)),
        *(("dropout", wrong) for wrong in (-0.1, 2, "abc", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"encoder\.{option} must be"):
        CNN(Dense((1, 8, 8)), **VALID | {option: wrong})


@pytest.mark.parametrize("spec", [Dense((4,)), Dense((4, 4)), BagOfWords(5)], ids=str)
def test_what_is_no_image_is_refused_with_an_encoder_that_reads_it(spec):
    with pytest.raises(
        Problem, match=r"(?i)^encoder cnn reads .*\n  found: .*\n  try:   encoder=mlp$"
    ):
        CNN(spec, **VALID)


@pytest.mark.parametrize("shape", [(1, 7, 8), (1, 8, 7), (3, 1, 1)])
def test_an_image_too_small_to_be_halved_so_often_is_refused(shape):
    with pytest.raises(Problem, match=r"halves the image 3 times, so its sides need 8"):
        CNN(Dense(shape), **VALID | {"channels": [4, 4, 4]})
    CNN(Dense((1, 8, 8)), **VALID | {"channels": [4, 4, 4]})
