"""A run on maps, from its pictures to predictions of new pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mtl_cli
from mtl_cli.dataset.scenes import Scenes
from tests.dataset.test_scenes import made

WORDS = ["dataset=scenes", "dataset.num_train=16", "dataset.num_val=6", "dataset.num_test=6"]
WORDS += ["dataset.size=[16,24]", "encoder.channels=[4,6]", "trainer.max_epochs=1", "device=cpu"]
WORDS += ["+task@tasks.edges=edges", "+task@tasks.scene=multiclass", "tasks.scene.head=linear"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps") / "run"
    mtl_cli.train([f"hydra.run.dir={folder}", *WORDS, "pictures.curves=false"])
    return folder


def test_a_run_leaves_examples_of_its_maps(run: Path) -> None:
    with Image.open(run / "plots" / "examples.png") as picture:
        assert picture.width > picture.height


def test_what_an_eye_sees_is_what_was_rendered() -> None:
    dataset: Scenes = made()
    batch = next(dataset.loader("val", dataset.tasks, torch.device("cpu"), 0).batches(1))
    image = batch.inputs["image"]
    assert isinstance(image, torch.Tensor)
    kept = dataset.splits["val"].inputs["image"]
    assert isinstance(kept, torch.Tensor)
    seen = (255 * dataset.as_seen("image", image)).round()
    assert torch.equal(seen, kept[: len(image)].float())
    assert np.isfinite(seen.numpy()).all()
