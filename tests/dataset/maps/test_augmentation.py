"""Augmentation of pictures with their maps, against the published steps on one example."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from mtl_cli.basis.batch import Batch
from mtl_cli.dataset.maps.augmentation import Augmentation, Moves

COUNT, HEIGHT, WIDTH = 24, 18, 26


@pytest.fixture
def batch() -> Batch:
    draw = torch.Generator().manual_seed(5)
    depth = torch.rand(COUNT, 1, HEIGHT, WIDTH, generator=draw) + 1
    normals = normalize(torch.randn(COUNT, 3, HEIGHT, WIDTH, generator=draw), dim=1)
    gone = torch.rand(COUNT, 1, HEIGHT, WIDTH, generator=draw) < 0.1
    shape = (COUNT, HEIGHT, WIDTH)
    targets = {
        "segmentation": torch.randint(-1, 5, shape, generator=draw),
        "depth": depth.masked_fill(gone, torch.nan),
        "normals": normals.masked_fill(gone, torch.nan),
        "edges": torch.randint(2, (COUNT, 1, HEIGHT, WIDTH), generator=draw).float(),
        "scene": torch.arange(COUNT),
    }
    image = torch.rand(COUNT, 3, HEIGHT, WIDTH, generator=draw)
    labels = {"segmentation": 9000, "depth": 0}
    return Batch({"image": image}, targets, frozenset({"edges", "scene"}), labels=labels)


def published(x: Tensor, moves: Moves, i: int, mode: str) -> Tensor:
    """Crop, resize and flip of one map [C, H, W]."""
    (top, left), (height, width) = moves.corner[i].tolist(), moves.part[i].tolist()
    part = x[None, :, top : top + height, left : left + width]
    align = True if mode == "bilinear" else None
    found = interpolate(part, size=(HEIGHT, WIDTH), mode=mode, align_corners=align)[0]
    return found.flip(2) if moves.flip[i] else found


@pytest.mark.parametrize("scaled_depth", ["keep", "divide", "multiply"])
def test_each_example_is_moved_as_published(batch: Batch, scaled_depth: str) -> None:
    augmentation = Augmentation(0.5, [1.0, 1.2, 1.5], scaled_depth)
    found = augmentation(batch, "image", torch.Generator().manual_seed(1))
    moves = augmentation.drawn(COUNT, (HEIGHT, WIDTH), torch.Generator().manual_seed(1))
    assert len(set(moves.scale.tolist())) == 3
    assert 0 < moves.flip.sum() < COUNT
    for i in range(COUNT):
        image = published(batch.inputs["image"][i], moves, i, "bilinear")
        torch.testing.assert_close(found.inputs["image"][i], image, atol=1e-5, rtol=0)
        classes = batch.targets["segmentation"][i][None].double()
        expected = published(classes, moves, i, "nearest").long()[0]
        assert torch.equal(found.targets["segmentation"][i], expected)
        edges = published(batch.targets["edges"][i].double(), moves, i, "nearest").float()
        assert torch.equal(found.targets["edges"][i], edges)
        depth = published(batch.targets["depth"][i].double(), moves, i, "nearest").float()
        depth *= {"keep": 1, "divide": 1 / moves.scale[i], "multiply": moves.scale[i]}[scaled_depth]
        torch.testing.assert_close(found.targets["depth"][i], depth, equal_nan=True)
        raw = batch.targets["normals"][i]
        gone = raw.isnan().any(0, keepdim=True)
        normals = normalize(published(raw.nan_to_num(0), moves, i, "bilinear"), dim=0)
        normals[0] *= -1 if moves.flip[i] else 1
        there = published((~gone).double(), moves, i, "bilinear")[0] > 0.999
        assert torch.equal(~found.targets["normals"][i].isnan(), there.expand(3, -1, -1))
        mine = found.targets["normals"][i][:, there]
        torch.testing.assert_close(mine, normals[:, there], atol=1e-4, rtol=0)
    assert torch.equal(found.targets["scene"], batch.targets["scene"])
    assert found.labels == {"depth": 0}  # a part of nothing is nothing; the others are not known


def test_a_flip_alone_moves_bits_and_keeps_the_numbers_of_labels(batch: Batch) -> None:
    found = Augmentation(1.0, [1.0], "keep")(batch, "image", torch.Generator())
    for task in ("segmentation", "depth", "edges"):
        expected = batch.targets[task].flip(-1)
        torch.testing.assert_close(found.targets[task], expected, atol=0, rtol=0, equal_nan=True)
    normals = batch.targets["normals"].flip(-1)
    normals[:, 0] *= -1
    torch.testing.assert_close(found.targets["normals"], normals, atol=0, rtol=0, equal_nan=True)
    assert torch.equal(found.inputs["image"], batch.inputs["image"].flip(-1))
    assert found.labels == batch.labels
    assert not Augmentation(0.0, [1.0], "divide").on
