"""NYUv2's and Cityscapes' folders of arrays: every layout, what is missing, and every fault."""

from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.cityscapes import Cityscapes
from mtl_cli.dataset.maps import npy_cache
from mtl_cli.dataset.maps.npy_folders import NpyFolders
from mtl_cli.dataset.nyuv2 import NYUv2
from mtl_cli.train import train

VALID: dict[str, Any] = {
    "cache_gb": 20,
    "reads": ["segmentation", "depth", "normals"],
    "label": "label",
    "num_classes": 13,
}
VALID |= {"flip": 0.0, "scales": [1.0], "scaled_depth": "keep", "split": {"val": 0.25, "seed": 0}}
VALID |= {"batch_size": 2, "eval_batch_size": 2, "shuffle": True, "drop_last": False}
COUNTS = {"train": 12, "val": 3}
SIZE = (6, 8)


def picture(split: str, number: int) -> dict[str, np.ndarray]:
    """A picture, whose first pixel is its number, with classes, depths and normals."""
    draw = np.random.default_rng([len(split), number])
    image = draw.random((*SIZE, 3))
    image[0, 0] = number / 255
    normal = draw.standard_normal((*SIZE, 3))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    normal[draw.random(SIZE) < 0.2] = 0
    depth = draw.uniform(0.5, 9, (*SIZE, 1)) * (draw.random((*SIZE, 1)) > 0.2)
    return {"image": image, "label": draw.integers(-1, 13, SIZE), "depth": depth, "normal": normal}


def written(root: Path, dtype: str = "float64", order: str = "C", **folders: str) -> Path:
    for split, count in COUNTS.items():
        for i in range(count):
            for name, array in picture(split, i).items():
                file = root / split / folders.get(name, name) / f"{i}.npy"
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, np.asarray(array, dtype, order=order))
    return root


def made(root: Path, kind: type[NpyFolders] = NYUv2, **options: object) -> NpyFolders:
    usual = {"path": str(root), "cache": str(root.parent / "cache")}
    return kind.of(**usual | VALID | options)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_type_and_order_of_the_arrays_is_read(dtype, order, tmp_path):
    dataset = made(written(tmp_path / "nyuv2", dtype, order))
    assert dataset.sizes == {"train": 9, "val": 3, "test": 3}
    seen = set()
    for split in dataset.sizes:
        loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), 0)
        for batch in loader.batches(1):
            for i, image in enumerate(batch.inputs["image"] * 0.2 + 0.6):
                number = round(float(image[0, 0, 0]) * 255)
                own = "val" if split == "test" else "train"
                seen.add((own, number))
                expected = {k: v.astype(dtype) for k, v in picture(own, number).items()}
                shown = expected["image"].transpose(2, 0, 1).astype(np.float64)
                np.testing.assert_allclose(image, shown, atol=0.51 / 255)
                found = {task: y[i].numpy() for task, y in batch.targets.items()}
                np.testing.assert_array_equal(found["segmentation"], expected["label"])
                depth = expected["depth"].transpose(2, 0, 1).astype(np.float32)
                np.testing.assert_array_equal(found["depth"], np.where(depth, depth, np.nan))
                normal = expected["normal"].transpose(2, 0, 1).astype(np.float64)
                gone = ~normal.any(0, keepdims=True).repeat(3, 0)
                np.testing.assert_array_equal(np.isnan(found["normals"]), gone)
                np.testing.assert_allclose(found["normals"][~gone], normal[~gone], atol=2e-3)
    assert seen == {(split, i) for split, count in COUNTS.items() for i in range(count)}


@pytest.mark.parametrize("label", ["label", "label_7", "label_19"])
def test_cityscapes_has_two_tasks_and_its_own_names_of_the_labels(label, tmp_path):
    root = written(tmp_path / "city", label=label)
    options = {"reads": ["segmentation", "depth"], "num_classes": 19 if label[-1] == "9" else 13}
    named = label if label == "label_19" else None
    dataset = made(root, Cityscapes, label=named, **options)
    assert dataset.tasks == {"segmentation": "image", "depth": "image"}
    assert dataset.map_sizes == {"segmentation": SIZE, "depth": SIZE}
    assert "inverse depth" in dataset.notes[-1]
    if label != "label":
        with pytest.raises(Problem, match=r"label/0\.npy must be there"):
            made(root, Cityscapes, label="label", **options)


@pytest.mark.parametrize("name", ["nyuv2", "cityscapes"])
def test_they_train_by_their_names(name, tmp_path):
    root = written(tmp_path / name)
    words = [f"dataset={name}", f"dataset.path={root}", f"dataset.cache={tmp_path / 'cache'}"]
    words += ["dataset.num_classes=13", "encoder.output_stride=4", "head.channels=4"]
    summary = train([*words, "trainer=smoke", f"hydra.run.dir={tmp_path / 'run'}"])
    assert set(summary["test"]["segmentation"]) == {"miou", "pixel_accuracy", "loss"}
    assert summary["dataset"]["sizes"] == {"train": 11, "val": 1, "test": 3}


def test_a_second_start_reads_the_cache_alone_and_a_changed_file_is_read_again(
    tmp_path, monkeypatch
):
    root = written(tmp_path / "nyuv2")
    first = made(root)
    monkeypatch.setattr(npy_cache, "read_array", lambda *args: pytest.fail("it was read again"))
    second = made(root, split={"val": 0.25, "seed": 0})
    for split, rows in first.splits.items():
        for task, target in rows.targets.items():
            other = second.splits[split].targets[task]
            assert torch.equal(target.nan_to_num(99), other.nan_to_num(99))
    assert "MB in" in second.notes[0]
    assert not list((tmp_path / "cache").glob(".writing*"))
    monkeypatch.undo()
    changed = picture("val", 0)["depth"] + 1
    np.save(root / "val" / "depth" / "0.npy", changed)
    depth = made(root).targets("test")["depth"][0].numpy()
    np.testing.assert_array_equal(depth, changed.transpose(2, 0, 1).astype(np.float32))


def wrong_class() -> np.ndarray:
    label = picture("train", 4)["label"].astype(float)
    label[2, 3] = 13
    return label


FAULTS = {
    "a class too large": ("label/4", wrong_class(), "13 in row 2, column 3"),
    "half a class": ("label/4", np.full(SIZE, 0.5), "0.5 in row 0, column 0"),
    "a mask of another size": ("label/4", np.zeros((6, 7)), "6 x 7"),
    "a flat picture": ("image/4", np.zeros(SIZE), r"\[6, 8\]"),
    "a bright picture": ("image/4", np.full((*SIZE, 3), 255.0), "from 255 to 255"),
    "a depth below 0": ("depth/4", np.full(SIZE, -1.0), "-1"),
    "objects": ("normal/4", np.array([{}], dtype=object), "Object arrays"),
    "text": ("depth/4", np.array(["far"]), "<U3"),
    "a damaged file": ("depth/4", b"\x93NUMPY", "EOF|read|magic|header"),
    "no file": ("depth/4", None, "1 of 12 missing"),
}


@pytest.mark.parametrize(("name", "content", "found"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_the_file_and_leaves_no_cache(name, content, found, tmp_path):
    root = written(tmp_path / "nyuv2")
    file = root / "train" / f"{name}.npy"
    if content is None:
        file.unlink()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content, allow_pickle=True)
    with pytest.raises(Problem, match=rf"must .*\n  found: .*({found}).*\n  try:   \S") as error:
        made(root)
    assert str(file) in str(error.value)
    assert not list((tmp_path / "cache").glob("*"))


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    root = written(tmp_path / "nyuv2")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(Problem, match=r"dataset\.cache must be a folder"):
        made(root)


@pytest.mark.parametrize("there", ["no folder", "a folder", "a part of it"])
def test_a_folder_without_both_parts_says_what_it_should_hold(there, tmp_path):
    root = tmp_path / "nothing"
    if there != "no folder":
        root.mkdir()
    if there == "a part of it":
        written(root)
        rmtree(root / "val")
    with pytest.raises(Problem) as error:
        made(root, Cityscapes, reads=["depth"])
    assert "{train,val}/{image,label|label_7,depth}/0.npy" in error.value.rule
    assert "links" in error.value.rule
    found = {"no folder": "no folder", "a folder": "nothing", "a part of it": "with train"}
    assert found[there] in error.value.found


def test_a_folder_without_pictures_is_refused(tmp_path):
    for split in COUNTS:
        (tmp_path / "empty" / split / "image").mkdir(parents=True)
    with pytest.raises(Problem, match=r"must hold pictures"):
        made(tmp_path / "empty")


@pytest.mark.parametrize("option", [{"reads": ["edges"]}, {"num_classes": 1}])
def test_what_cannot_be_read_is_refused(option, tmp_path):
    with pytest.raises(Problem, match=f"dataset.{next(iter(option))}"):
        made(tmp_path, **option)
