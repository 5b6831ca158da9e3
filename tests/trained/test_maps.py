"""A run on maps, from its pictures to predictions of new pictures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.scenes import Scenes
from mtl_cli.diagnose import diagnose
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
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


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of the model's size, one kept exactly; one larger; one of floats."""
    folder = tmp_path_factory.mktemp("photos")
    draw = np.random.default_rng(0)
    (folder / "more").mkdir()
    for name, size in (("a.png", (16, 24)), ("b.png", (16, 24)), ("more/a.jpg", (33, 30))):
        Image.fromarray(draw.integers(0, 256, (*size, 3), np.uint8)).save(folder / name)
    np.save(folder / "a.npy", draw.random((16, 24, 3)))
    return folder


def test_predictions_are_maps_of_the_size_of_each_picture(run: Path, photos: Path) -> None:
    """The reference is the model itself on a tensor that is made here."""
    loaded = mtl_cli.load_run(run, device="cpu")
    found = loaded.predict(str(photos))  # a.npy, a.png, b.png, more/a.jpg
    assert set(found) == {"segmentation", "depth", "normals", "edges", "scene"}
    shapes = {"segmentation": (), "depth": (), "normals": (3,), "edges": ()}
    for task, before in shapes.items():
        sizes = [own.shape for own in found[task]]
        assert sizes == [(*before, *s) for s in [(16, 24)] * 3 + [(33, 30)]]
    assert [found[task][0].dtype for task in shapes] == [np.uint8, *[np.float32] * 3]
    with Image.open(photos / "b.png") as image:
        x = torch.from_numpy((np.asarray(image) / 255 - 0.6) / 0.2).float().permute(2, 0, 1)[None]
    with torch.inference_mode():
        out = loaded.model({"image": x})
    depth = loaded.tasks["depth"]
    assert np.array_equal(found["segmentation"][2], out["segmentation"][0].argmax(0))
    plain = out["depth"][0, 0] * depth.scale + depth.mean
    assert np.allclose(found["depth"][2], plain, atol=1e-5)
    assert np.allclose(found["edges"][2], out["edges"][0, 0].sigmoid(), atol=1e-5)
    for own in found["normals"]:
        assert np.allclose(np.linalg.norm(own, axis=0), 1, atol=1e-4)
    assert found["scene"].columns[0] == "scene"
    assert len(found["scene"]) == 4


def test_arrays_are_pictures_and_tensors_are_what_the_model_reads(run: Path) -> None:
    loaded = mtl_cli.load_run(run, device="cpu")
    bytes_ = np.random.default_rng(1).integers(0, 256, (3, 16, 24, 3), np.uint8)
    found = loaded.predict(bytes_)
    tensor = torch.from_numpy((bytes_ / 255 - 0.6) / 0.2).float().permute(0, 3, 1, 2)
    same = loaded.predict(tensor)
    assert found["segmentation"].shape == (3, 16, 24)
    assert found["normals"].shape == (3, 3, 16, 24)
    assert np.allclose(found["depth"], same["depth"], atol=1e-4)
    with pytest.raises(Problem, match=r"(?s)numbers \[H, W, 3\].*\[24, 3\]"):
        loaded.predict(bytes_[0])


def test_every_map_is_a_file_that_the_index_names(
    run: Path, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "said.csv"
    words = [f"run={run}", f"input={photos}", f"out={out}", "device=cpu"]
    predict([*words, "maps=png"])
    assert "1 of 4 pictures were scaled to 16 x 24" in caplog.text
    index = pd.read_csv(out)
    assert index["file"].tolist() == ["a.npy", "a.png", "b.png", "more/a.jpg"]
    assert index[["height", "width"]].values.tolist() == [[16, 24]] * 3 + [[33, 30]]
    assert index["depth"].tolist() == [
        f"said_maps/depth/{name}.npy" for name in ("a", "a.png", "b", "more/a")
    ]
    held = mtl_cli.load_run(run, device="cpu").predict(str(photos))
    assert index["scene"].tolist() == held["scene"]["scene"].tolist()
    for task in ("segmentation", "depth", "normals", "edges"):
        for row, own in zip(index.to_dict("records"), held[task], strict=True):
            assert np.array_equal(np.load(tmp_path / row[task]), own)
            with Image.open(tmp_path / row[f"{task}_png"]) as picture:
                assert picture.size == (row["width"], row["height"])
    assert index["depth_low"].tolist() == pytest.approx([own.min() for own in held["depth"]])
    with pytest.raises(Problem, match="must be a new file"):
        predict(words)
    with pytest.raises(Problem, match="must be a new folder"):
        predict([*words[:2], f"out={tmp_path / 'said.parquet'}"])
    predict([*words, "overwrite=true", "tasks=[scene]"])
    assert list(pd.read_csv(out).columns[:4]) == ["file", "height", "width", "scene"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["maps=jpg"], "must be one of npy, png"),
        (["maps=npy", "tasks=[scene]"], "needs a task of every pixel"),
    ],
)
def test_a_wish_for_maps_that_cannot_be_met_is_refused(
    run: Path, photos: Path, words: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(Problem, match=said):
        predict([f"run={run}", f"input={photos}", f"out={tmp_path / 'a.csv'}", *words])
    assert not list(tmp_path.iterdir())


def test_evaluation_and_diagnosis_read_maps(run: Path) -> None:
    figures = evaluate([f"run={run}", "split=test", "device=cpu"])["figures"]
    kept = json.loads((run / "summary.json").read_text(encoding="utf-8"))["test"]
    assert figures == kept
    assert "segmentation × depth" in diagnose([f"run={run}", "device=cpu"])
