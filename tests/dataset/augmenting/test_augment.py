"""What is done to train pictures, against a plain loop over pictures and against torchvision."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from mtl_cli.basis.batch import Batch
from mtl_cli.dataset.augmenting.augment import AREAS, Augment, erased, shifted, turned
from mtl_cli.dataset.memory.take import part_of, take
from mtl_cli.dataset.prepared.stored import Stored

X = torch.randn(8, 3, 12, 16, generator=torch.Generator().manual_seed(0))


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def augmented(**said: float) -> torch.Tensor:
    batch = Augment.of(said)(Batch({"image": X}, {}), draw(), (0.6, 0.2), {})
    x = batch.inputs["image"]
    assert isinstance(x, torch.Tensor)
    return x


def test_a_shift_is_padding_and_a_crop():
    steps = torch.randint(-3, 4, (len(X), 2), generator=draw())
    padded = torch.nn.functional.pad(X, (3, 3, 3, 3))
    for own, before, (down, right) in zip(shifted(X, steps), padded, steps.tolist(), strict=True):
        assert torch.equal(own, before[:, 3 + down : 15 + down, 3 + right : 19 + right])


def test_a_turn_is_torchvisions():
    for degrees in (-30.0, 10.0, 90.0):
        found = turned(X, torch.full((len(X),), np.deg2rad(degrees), dtype=torch.float32))
        expected = v2.functional.rotate(X, degrees, v2.InterpolationMode.BILINEAR)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_flips_are_as_frequent_as_said():
    flips = [torch.equal(a, b.flip(-1)) for a, b in zip(augmented(flip=1), X, strict=True)]
    assert all(flips)
    assert torch.equal(augmented(flip=0), X)
    many = torch.arange(2.0).expand(2000, 1, 1, 2)
    flipped = Augment.of({"flip": 0.3}).moved(many, draw())[:, 0, 0, 0].mean()
    assert flipped.item() == pytest.approx(0.3, abs=0.05)


def test_an_erased_part_is_a_rectangle_of_the_area_that_is_said():
    ones = torch.ones(400, 1, 40, 60)
    found = erased(ones, 0.5, draw())
    gone = (found == 0).flatten(1).sum(1)
    there = gone[gone > 0]
    assert 150 < len(there) < 250
    shares = there / (40 * 60)
    assert shares.min() >= 0.6 * AREAS[0]
    assert shares.max() <= 1.2 * AREAS[1]
    for own in found[gone > 0][:20, 0]:
        rows, columns = (own == 0).any(1).sum(), (own == 0).any(0).sum()
        assert rows * columns == (own == 0).sum()


def test_colours_keep_their_place_and_grey_pictures_one_channel():
    grey = Batch({"image": X[:, :1]}, {})
    found = Augment.of({"colour": 0.5})(grey, draw(), (0.6, 0.2), {}).inputs["image"]
    assert isinstance(found, torch.Tensor)
    assert found.shape == (8, 1, 12, 16)
    seen = (found * 0.2 + 0.6).flatten(1)
    before = (X[:, :1] * 0.2 + 0.6).clamp(0, 1).flatten(1)
    for own, was in zip(seen, before, strict=True):
        assert (own[was.argsort()].diff() >= -1e-5).all()  # brighter ones stay brighter


def test_stored_examples_are_those_rows_of_the_array():
    whole = torch.arange(40).view(10, 4)
    stored = Stored(whole, torch.tensor([7, 1, 3, 9]))
    part = part_of(stored, torch.tensor([2, 0]))
    assert isinstance(part, Stored)
    assert part.whole is whole
    assert torch.equal(part.take(slice(None)), whole[[3, 7]])
    here = torch.tensor([3, 3, 0])
    found = take(stored, here, here)
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found, whole[[9, 9, 7]])
