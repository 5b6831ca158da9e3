"""Colour jitter: one draw an example, and what torchvision makes of it."""

import pytest
import torch
from torchvision.transforms.v2 import functional

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.augmenting.jitter import Jitter


def test_each_example_has_its_own_brightness_and_contrast():
    plain = torch.rand(5, 3, 6, 7, generator=torch.Generator().manual_seed(1))
    batch = Batch({"image": (plain - 0.6) / 0.2}, {}, set(), {}, {})
    draw = torch.Generator().manual_seed(2)
    found = Jitter(0.4, 0.3)(batch, "image", draw).inputs["image"] * 0.2 + 0.6
    chance = 2 * torch.rand(5, 2, generator=torch.Generator().manual_seed(2)) - 1
    for x, y, (first, second) in zip(plain, found, chance, strict=True):
        expected = functional.adjust_brightness(x, 1 + 0.4 * first.item())
        expected = functional.adjust_contrast(expected, 1 + 0.3 * second.item())
        torch.testing.assert_close(y, expected, atol=2e-4, rtol=0)
    assert not Jitter(0.0, 0.0).on


def test_factors_below_zero_are_refused():
    with pytest.raises(Problem, match=r"dataset\.brightness"):
        Jitter(1.5, 0.0)
