"""DeepLab's heads against torchvision's and plain layers, and what they refuse."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models.segmentation.deeplabv3 import DeepLabHead

from mtl_cli.basis.errors import Problem
from mtl_cli.head.deeplab_v3 import DeepLabV3
from mtl_cli.head.deeplab_v3_plus import DeepLabV3Plus

EARLY, LATE = (4, 12, 14), (6, 5, 7)
SHAPES = [(3, 12, 14), EARLY, LATE]
PLUS = {"size": (24, 28), "align_corners": False, "channels": 8, "dropout": 0.0}


def plus(in_shapes=SHAPES, stages=(1, -1), **options) -> DeepLabV3Plus:
    options = PLUS | {"rates": [1, 2], "early_channels": 3} | options
    return DeepLabV3Plus(in_shapes, 5, stages=list(stages), **options)


@pytest.mark.parametrize("align_corners", [False, True])
def test_v3_is_torchvisions_head_and_an_enlargement(align_corners):
    torch.default_generator.manual_seed(0)
    theirs = DeepLabHead(LATE[0], 13)
    ours = DeepLabV3(SHAPES, 13, (20, 28), "last", align_corners, 256, [12, 24, 36], 0.5)
    ours.layers.load_state_dict(theirs.state_dict())
    x = torch.randn(2, *LATE)
    for training in (True, False):  # the first moves the statistics that the second reads
        torch.default_generator.manual_seed(1)
        logits = theirs.train(training)(x)
        expected = F.interpolate(logits, (20, 28), mode="bilinear", align_corners=align_corners)
        torch.default_generator.manual_seed(1)  # for dropout
        assert_close(ours.train(training)([x]), expected, atol=1e-6, rtol=1e-6)
    assert ours.taps == (2,)


def test_a_wide_head_has_torchvisions_number_of_parameters():
    with torch.device("meta"):
        head = DeepLabV3([(2048, 36, 48)], 13, (288, 384), "last", True, 256, [12, 24, 36], 0.5)
    assert sum(p.numel() for p in head.parameters()) == 16_128_781


def apply(convolution: nn.Conv2d, norm: nn.BatchNorm2d, x: torch.Tensor, rate=1) -> torch.Tensor:
    """A convolution, its batch's normalisation and ReLU, from torch's functions alone."""
    padding = rate * (convolution.weight.shape[-1] // 2)
    out = F.conv2d(x, convolution.weight, padding=padding, dilation=rate)
    return F.batch_norm(out, None, None, norm.weight, norm.bias, training=True).relu()


@pytest.mark.parametrize("align_corners", [False, True])
def test_v3_plus_reads_a_pyramid_of_the_late_map_beside_the_early_one(align_corners):
    torch.default_generator.manual_seed(0)
    head = plus(align_corners=align_corners)
    early, late = torch.randn(3, *EARLY), torch.randn(3, *LATE)
    layers = [m for m in head.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    convolutions, norms = layers[::2], layers[1::2]
    pairs = iter(zip(convolutions, norms, strict=False))  # the last convolution has no norm
    side = apply(*next(pairs), early)
    branches = [apply(*next(pairs), late, rate) for rate in (1, 1, 2)]
    pooled = apply(*next(pairs), late.mean((2, 3), keepdim=True))
    pyramid = apply(*next(pairs), torch.cat([*branches, pooled.expand(3, 8, 5, 7)], 1))
    enlarged = F.interpolate(pyramid, (12, 14), mode="bilinear", align_corners=align_corners)
    hidden = apply(*next(pairs), torch.cat([side, enlarged], 1))
    hidden = apply(*next(pairs), hidden)
    logits = F.conv2d(hidden, convolutions[-1].weight, convolutions[-1].bias)
    expected = F.interpolate(logits, (24, 28), mode="bilinear", align_corners=align_corners)
    assert head.taps == (1, 2)
    assert_close(head.train()([early, late]), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["v3", "v3_plus"])
def test_a_batch_of_one_is_refused_in_training_alone(name):
    head = plus() if name == "v3_plus" else DeepLabV3(SHAPES, 5, (9, 9), "last", False, 8, [2], 0.5)
    maps = [torch.randn(1, *SHAPES[stage]) for stage in head.taps]
    assert head.eval()(maps).shape[:2] == (1, 5)
    with pytest.raises(Problem, match=r"found: a batch of 1 .*\n  try:   dataset.drop_last=true"):
        head.train()(maps)


@pytest.mark.parametrize(
    ("shapes", "stages", "match"),
    [
        ([LATE], [1, -1], r"a single map\n  try:   head=deeplab_v3$"),
        ([LATE, (9,)], [0, -1], r"a single map\n  try:   head=deeplab_v3$"),
        ([EARLY, LATE], [1, -1], r"must be two .*\n  found: \[1, -1\].* stage is 1\n  .*=\[0,1\]"),
        (SHAPES, [1], r"must be two .*\n  try:   'head.stages=\[1,2\]'"),
        (SHAPES, [0, 1, 2], "must be two"),
        (SHAPES, "all", "must be two"),
        (SHAPES, [0, 3], "must be stages of the encoder, 0 to 2"),
        (SHAPES, [0.5, 1], "must be last, all, or a list"),
        ([(9,), (8,)], [0, -1], "needs features that are maps"),
    ],
)
def test_v3_plus_refuses_what_are_not_two_maps(shapes, stages, match):
    with pytest.raises(Problem, match=match.replace(r".*\n  try", r"[\s\S]*  try")):
        plus(shapes, stages)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"rates": 12}, r"head.rates must be a list of rates, in positions.\n  found: 12\n"),
        ({"rates": [0]}, "each of head.rates must be an integer of at least 1"),
        ({"channels": 0}, "head.channels must be"),
        ({"dropout": 1.5}, "head.dropout must be a number from 0 to 1"),
        ({"early_channels": 0}, "head.early_channels must be"),
    ],
)
def test_impossible_options_are_refused(options, match):
    with pytest.raises(Problem, match=match):
        plus(**options)
