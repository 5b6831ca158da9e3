"""Scenes: the same bits from a seed, what is missing and where, and colours that carry no class."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mtl_cli.dataset.scenes import Scenes

VALID = {"size": [24, 32], "num_train": 40, "num_val": 17, "num_test": 0, "seed": 0}
VALID |= {"noise": 0.03, "unlabelled": 0.05, "max_depth": 8.0, "min_angle": 4.0}
VALID |= {"flip": 0.0, "scales": [1.0], "scaled_depth": "keep"}
VALID |= {"batch_size": 16, "eval_batch_size": 10, "shuffle": True, "drop_last": False}


def made(**options: object) -> Scenes:
    return Scenes.of(**VALID | options)


def same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return torch.equal(first.nan_to_num(9), second.nan_to_num(9))


def test_the_same_seed_gives_the_same_bits_however_many_scenes_there_are():
    first, other = made(), made(num_train=21)
    for name, target in first.splits["train"].targets.items():
        assert same(target[:21], other.splits["train"].targets[name])
    image = first.splits["train"].inputs["image"]
    assert torch.equal(image[:21], other.splits["train"].inputs["image"])
    assert not torch.equal(image, made(seed=1).splits["train"].inputs["image"])
    assert not torch.equal(image[:17], first.splits["val"].inputs["image"])
    assert first.sizes == {"train": 40, "val": 17}


def test_batches_have_the_promised_shapes_types_and_numbers_of_labels():
    dataset = made()
    shapes = {"segmentation": (24, 32), "depth": (1, 24, 32), "normals": (3, 24, 32)}
    shapes |= {"edges": (1, 24, 32), "scene": ()}
    for split in dataset.sizes:
        loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), 0)
        for batch in loader.batches(1):
            assert batch.inputs["image"].shape[1:] == dataset.inputs["image"].shape == (3, 24, 32)
            assert batch.inputs["image"].dtype == torch.float32
            assert batch.complete == {"edges", "scene"}
            for task, target in batch.targets.items():
                assert target.shape[1:] == shapes[task]
                classes = task in ("segmentation", "scene")
                assert target.dtype == (torch.int64 if classes else torch.float32)
                gone = target == -1 if classes else target.isnan()
                if task not in batch.complete:
                    assert batch.labels[task] == (~gone).sum()
            length = batch.targets["normals"].norm(dim=1)
            assert (length[~length.isnan()] - 1).abs().max() < 1e-6


def test_pixels_are_missing_where_they_should_be():
    full = made(unlabelled=0.0, max_depth=100.0, min_angle=0.0).targets("train")
    assert not full["depth"].isnan().any()
    assert not full["normals"].isnan().any()
    assert set(full["segmentation"].unique().tolist()) == set(range(7))
    assert set(full["scene"].unique().tolist()) == set(range(4))
    near = made(unlabelled=0.0, max_depth=4.0, min_angle=0.0).targets("train")
    beyond, border = full["depth"] > 4, (full["depth"] - 4).abs() < 4e-3  # of half floats
    assert ((near["depth"].isnan() == beyond) | border).all()
    assert ((near["normals"].isnan() == beyond) | border).all()
    there = ~near["depth"].isnan()
    assert torch.equal(near["depth"][there], full["depth"][there])
    flat = made(max_depth=100.0, min_angle=15.0, unlabelled=0.5).targets("train")
    assert 0.01 < flat["depth"].isnan().float().mean() < 0.3
    gone = flat["segmentation"] == -1
    assert 0.3 < gone.float().mean() < 0.7
    # Labels miss by surface: where one starts to miss there is an edge.
    assert flat["edges"][:, 0, :, 1:][gone[:, :, 1:] != gone[:, :, :-1]].all()
    assert not made(unlabelled=1.0).targets("train")["segmentation"].ne(-1).any()


def test_the_colour_of_a_pixel_does_not_say_its_class():
    dataset = made(num_train=600, num_val=300, size=[16, 16], unlabelled=0.0)
    colours, classes = {}, {}
    for split, rows in dataset.splits.items():
        image = rows.inputs["image"].movedim(1, -1).reshape(-1, 3)[::7]
        colours[split] = image.numpy().astype(np.float64) / 255
        classes[split] = rows.targets["segmentation"].reshape(-1)[::7].numpy()
    learner = LogisticRegression().fit(colours["train"], classes["train"])
    majority = np.bincount(classes["val"]).max() / len(classes["val"])
    assert learner.score(colours["val"], classes["val"]) < majority + 0.03


WRONG = {
    "size": [64],
    "num_train": 0,
    "num_val": -1,
    "seed": -1,
    "noise": -0.1,
    "unlabelled": 2,
    "max_depth": 0,
    "min_angle": 91,
    "flip": 1.5,
    "scales": [0.5],
    "scaled_depth": "halve",
}


@pytest.mark.parametrize("option", WRONG)
def test_what_cannot_be_rendered_is_refused(option):
    with pytest.raises(ValueError, match=rf"dataset\.{option} must .*\n  found: .*\n  try:   \S"):
        made(**{option: WRONG[option]})


def test_what_is_augmented_follows_from_seed_epoch_and_step_alone():
    dataset = made(flip=0.5, scales=[1.0, 1.2, 1.5])
    plain, cpu = made(), torch.device("cpu")
    loader = dataset.loader("train", dataset.tasks, cpu, 3)
    whole = list(loader.batches(2))
    for start in range(len(whole)):
        (batch, *_), expected = loader.batches(2, start), whole[start]
        assert torch.equal(batch.inputs["image"], expected.inputs["image"])
        assert all(same(batch.targets[task], y) for task, y in expected.targets.items())
        assert batch.labels == {}
    first = next(loader.batches(1)).inputs["image"]
    again = dataset.loader("train", dataset.tasks, cpu, 3)
    assert torch.equal(next(again.batches(1)).inputs["image"], first)
    bare = next(plain.loader("train", dataset.tasks, cpu, 3).batches(1)).inputs["image"]
    assert not torch.equal(first, bare)
    val, other = (d.loader("val", d.tasks, cpu, 3).batches(1) for d in (dataset, plain))
    for left, right in zip(val, other, strict=True):
        assert torch.equal(left.inputs["image"], right.inputs["image"])
