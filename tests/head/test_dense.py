"""Heads of maps: the stages that they read, the size that they give, and their layers."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.head.dense import tapped
from mtl_cli.head.fcn import FCN
from mtl_cli.head.fpn import FPN
from mtl_cli.head.maps import Maps

SHAPES = [(3, 16, 20), (4, 8, 10), (5, 4, 5)]


def maps(shapes=SHAPES) -> list[torch.Tensor]:
    torch.default_generator.manual_seed(0)
    return [torch.randn(2, *shape) for shape in shapes]


@pytest.mark.parametrize("align_corners", [False, True])
def test_fcn_is_two_convolutions_and_an_enlargement(align_corners):
    head = FCN(SHAPES, 6, (33, 41), "last", align_corners, channels=7, dropout=0.0)
    first, norm, _, last = head.layers
    x = maps()[-1]
    hidden = F.batch_norm(F.conv2d(x, first.weight, padding=1), None, None, training=True)
    logits = F.conv2d(hidden.relu(), last.weight, last.bias)
    expected = F.interpolate(logits, (33, 41), mode="bilinear", align_corners=align_corners)
    assert head.taps == (2,)
    assert_close(head.train()([x]), expected)
    assert norm.num_features == 7


def test_fpn_adds_what_comes_down_to_what_is_there():
    head = FPN(SHAPES, 2, (16, 20), "all", False, channels=6).eval()
    sides = [layer(x) for layer, x in zip(head.laterals, maps(), strict=True)]

    def up(x, like):
        return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)

    p2 = sides[2]
    p1 = sides[1] + up(p2, sides[1])
    p0 = sides[0] + up(p1, sides[0])
    expected = head.layers(p0 + up(p1, p0) + up(p2, p0))
    assert_close(head(maps()), expected)
    assert FPN(SHAPES, 2, (16, 20), [2], False, channels=6).eval()(maps()[2:]).shape == (
        2,
        2,
        16,
        20,
    )


@pytest.mark.parametrize(
    ("stages", "expected"),
    [("last", (2,)), ("all", (0, 1, 2)), ([0, -1], (0, 2)), ([1], (1,)), ([-3], (0,))],
)
def test_stages_are_named_by_words_or_numbers(stages, expected):
    assert tapped(SHAPES, stages) == expected
    assert tapped([*SHAPES, (9,)], "all") == (0, 1, 2)


@pytest.mark.parametrize(
    ("shapes", "stages", "match"),
    [
        (SHAPES, [3], r"head.stages must be stages of the encoder, 0 to 2.\n  found: \[3\]"),
        (SHAPES, [-4], "0 to 2"),
        (SHAPES, [1, 0], r"in order, each once.\n  found: \[1, 0\]\n  try: .*head.stages=\[0,1\]"),
        (SHAPES, "first", "must be last, all, or a list of stages"),
        (SHAPES, [], "must be last, all, or a list of stages"),
        (SHAPES, [0.5], "must be last, all, or a list of stages"),
        (
            [*SHAPES, (9,)],
            "last",
            r"needs features that are maps .*\n  found: \(9,\) after stage 3",
        ),
        ([(9,)], "all", r"found: \(9,\) after stage 0\n  try:   an encoder"),
    ],
)
def test_stages_that_are_not_there_or_no_maps_are_refused(shapes, stages, match):
    with pytest.raises(Problem, match=match):
        tapped(shapes, stages)


def test_a_module_that_ends_in_logits_needs_no_head():
    head = Maps(SHAPES, 5, (8, 10), "last", align_corners=False)
    x = maps()[-1]
    assert_close(head([x]), F.interpolate(x, (8, 10), mode="bilinear"))
    assert not list(head.parameters())
    with pytest.raises(Problem, match=r"as many channels as the task has outputs, 4\.\n  found: 5"):
        Maps(SHAPES, 4, (8, 10), "last", align_corners=False)
