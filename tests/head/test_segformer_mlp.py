"""SegFormer's head against the paper's order of its layers."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.head.segformer_mlp import SegFormerMLP

SHAPES = [(3, 16, 20), (4, 8, 10), (5, 4, 5)]


@pytest.mark.parametrize("align_corners", [False, True])
def test_maps_are_enlarged_put_side_by_side_and_mixed(align_corners):
    torch.default_generator.manual_seed(0)
    head = SegFormerMLP(SHAPES, 2, (33, 41), "all", align_corners, channels=6, dropout=0.0)
    maps = [torch.randn(2, *shape) for shape in SHAPES]

    def up(x, size):
        return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)

    sides = [up(layer(x), (16, 20)) for layer, x in zip(head.linear, maps, strict=True)]
    hidden = F.conv2d(torch.cat(sides, 1), head.together.weight)
    hidden = F.batch_norm(hidden, None, None, training=True).relu()
    expected = up(F.conv2d(hidden, head.layers[-1].weight, head.layers[-1].bias), (33, 41))
    assert head.taps == (0, 1, 2)
    assert_close(head.train()(maps), expected, atol=1e-5, rtol=1e-5)


def test_dropout_is_of_whole_channels_and_only_in_training():
    head = SegFormerMLP(SHAPES, 64, (4, 5), [2], False, channels=6, dropout=1.0)
    x = torch.randn(2, *SHAPES[2])
    assert_close(head.train()([x]), head.layers[-1].bias.view(1, -1, 1, 1).expand(2, 64, 4, 5))
    assert head.eval()([x]).std() > 0


@pytest.mark.parametrize("options", [{"channels": 0}, {"dropout": -0.1}])
def test_impossible_options_are_refused(options):
    with pytest.raises(Problem, match=f"head.{next(iter(options))} must be"):
        SegFormerMLP(SHAPES, 2, (4, 5), "all", False, **{"channels": 6, "dropout": 0.0} | options)
