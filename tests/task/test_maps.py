"""Losses of maps: what is missing counts nothing, in the mean and in the gradient."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.loss.cosine import CosineLoss
from mtl_cli.task.base import Parts
from mtl_cli.task.depth import Depth
from mtl_cli.task.edges import Edges
from mtl_cli.task.normals import Normals
from mtl_cli.task.prior import class_shares, mean_label
from mtl_cli.task.segmentation import Segmentation

SIZE = (4, 5)
B = 3


def parts(loss: nn.Module) -> Parts:
    return Parts("t", "x", Linear, loss, {}, {}, 1.0)


def unit(x: torch.Tensor) -> torch.Tensor:
    return F.normalize(x, dim=1)


TASKS = {
    "segmentation": lambda: Segmentation(parts(nn.CrossEntropyLoss()), 3, SIZE, "pixels"),
    "weighted": lambda: Segmentation(
        parts(nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5]))), 3, SIZE, "pixels"
    ),
    "depth": lambda: Depth(parts(nn.L1Loss()), SIZE, "pixels", standardize=True),
    "normals": lambda: Normals(parts(CosineLoss()), SIZE, "pixels"),
    "components": lambda: Normals(parts(nn.L1Loss()), SIZE, "pixels"),
    "edges": lambda: Edges(parts(nn.BCEWithLogitsLoss()), SIZE, "pixels"),
}
LOSSES = {  # of pixels one by one, [N, O] and [N] or [N, O]
    "segmentation": lambda p, g, task: F.cross_entropy(p, g),
    "weighted": lambda p, g, task: F.cross_entropy(p, g, torch.tensor([1.0, 2.0, 0.5])),
    "depth": lambda p, g, task: (p - (g - task.mean) / task.scale).abs().mean(),
    "normals": lambda p, g, task: (1 - (unit(p) * g).sum(1)).mean(),
    "components": lambda p, g, task: (unit(p) - g).abs().sum(1).mean() / 3,
    "edges": lambda p, g, task: F.binary_cross_entropy_with_logits(p, g),
}


def example(name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """An output, a target with missing pixels, and which are there, [B, H, W]."""
    torch.default_generator.manual_seed(0)
    there = torch.rand(B, *SIZE) < 0.6
    channels = {"depth": 1, "edges": 1}.get(name, 3)
    output = torch.randn(B, channels, *SIZE, requires_grad=True)
    if name in ("segmentation", "weighted"):
        return output, torch.randint(0, 3, (B, *SIZE)).where(there, -1), there
    target = {
        "depth": 4 * torch.rand(B, 1, *SIZE),
        "edges": torch.randint(0, 2, (B, 1, *SIZE)).float(),
    }.get(name, unit(torch.randn(B, 3, *SIZE)))
    return output, target.where(there[:, None], torch.nan), there


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("known", [False, True], ids=["unknown number", "known number"])
def test_the_loss_is_the_mean_over_the_pixels_that_are_there(name, known):
    task, (output, target, there) = TASKS[name](), example(name)
    task.fit(target)
    labels = int((~target.isnan() if target.is_floating_point() else target != -1).sum())
    loss = task.mean_loss(output, target, False, None, labels if known else None)
    pixels = output.movedim(1, -1)[there]
    wanted = target.movedim(1, -1)[there] if target.dim() == 4 else target[there]
    expected = LOSSES[name](pixels, wanted, task)
    torch.testing.assert_close(loss, expected)
    (grad,) = torch.autograd.grad(loss, output, retain_graph=True)
    (own,) = torch.autograd.grad(expected, output)
    assert not grad.isnan().any()
    torch.testing.assert_close(grad, own)
    number = task.denominator(target, False, None, labels if known else None)
    assert float(number) == pytest.approx(
        there.sum() if name != "weighted" else torch.tensor([1.0, 2.0, 0.5])[wanted].sum()
    )


@pytest.mark.parametrize("name", TASKS)
def test_weights_of_examples_count_at_each_of_their_pixels(name):
    task, (output, target, _) = TASKS[name](), example(name)
    weights = torch.tensor([1.0, 0.0, 3.0])
    loss, number = task.loss(output, target, False, weights)
    each = [task.loss(output[i : i + 1], target[i : i + 1]) for i in range(B)]
    total = sum(w * float(n) for w, (_, n) in zip(weights, each, strict=True))
    assert float(number) == pytest.approx(float(total))
    expected = sum(w * m * n for w, (m, n) in zip(weights, each, strict=True)) / total
    torch.testing.assert_close(loss, expected.float())


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_without_any_pixel_adds_nothing(name):
    task, (output, target, _) = TASKS[name](), example(name)
    target = torch.full_like(target, torch.nan if target.is_floating_point() else -1)
    loss = task.mean_loss(output, target, False, None)
    (grad,) = torch.autograd.grad(loss, output)
    assert loss == 0
    assert (grad == 0).all()


def test_what_the_labels_cannot_be_is_refused():
    depth, normals = TASKS["depth"](), TASKS["normals"]()
    with pytest.raises(Problem, match=r"size must be that of the maps.*\n.*\n.*size=\[9,5\]"):
        depth.check_targets(torch.ones(2, 1, 9, 5))
    with pytest.raises(Problem, match=r"must be at least 0 .*\n  found: -1"):
        depth.check_targets(-torch.ones(2, 1, *SIZE))
    with pytest.raises(Problem, match=r"must be of unit length .*\n  found: a length of 1\.73"):
        normals.check_targets(torch.ones(2, 3, *SIZE))
    with pytest.raises(Problem, match=r"numbers \[3, H, W\] as labels.\n.*integers \[H, W\]\n .*="):
        normals.check_targets(torch.ones(2, *SIZE, dtype=torch.long))
    with pytest.raises(Problem, match=r"found: numbers \[3, H, W\]\n  try:   tasks\..*=normals$"):
        depth.check_targets(torch.ones(2, 3, *SIZE))
    with pytest.raises(Problem, match=r"needs integers \[H, W\] as labels.*\n.*\n.*=depth$"):
        TASKS["segmentation"]().check_targets(torch.ones(2, 1, *SIZE))
    with pytest.raises(Problem, match="labels must be 0 to 2"):
        TASKS["segmentation"]().check_targets(torch.full((2, *SIZE), 3))
    with pytest.raises(Problem, match="its labels must be 0 or 1"):
        TASKS["edges"]().check_targets(torch.full((2, 1, *SIZE), 2.0))


def test_what_labels_say_on_the_average_is_that_of_all_pixels() -> None:
    """More maps than are copied at once; the reference is NumPy on all of them."""
    draw = np.random.default_rng(0)
    maps = draw.normal(size=(70, 3, 4, 5))
    maps[draw.random((70, 3, 4, 5)) < 0.3] = np.nan
    found = mean_label(torch.from_numpy(maps).float(), 3)
    assert found.shape == (1, 3, 4, 5)
    assert np.allclose(found[0, :, 0, 0], np.nanmean(maps, axis=(0, 2, 3)), atol=1e-6)
    classes = draw.integers(-1, 4, (70, 4, 5))
    shares = np.bincount(classes[classes >= 0]) / (classes >= 0).sum()
    assert np.array_equal(class_shares(torch.from_numpy(classes), 4)[0, :, 3, 2], shares)
