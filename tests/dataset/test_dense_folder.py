"""Pictures of a user's own with maps: every file that is read, and every fault by its name."""

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.grammar import parsed
from mtl_cli.dataset.dense_folder import DenseFolder
from mtl_cli.dataset.maps import folder_arrays
from mtl_cli.train import train

NUMBER, SIZE = 10, (8, 12)
SPLIT = {"by": "fraction", "column": None, "val": 2, "test": 2, "seed": 0}
SPLIT |= {"folds": None, "fold": None, "date_format": None}
VALID: dict[str, Any] = {"image": None, "size": None, "split": SPLIT, "cache": False}
VALID |= {"flip": 0.0, "scales": [1.0], "scaled_depth": "keep", "brightness": 0.0, "contrast": 0.0}
VALID |= {"batch_size": 2, "eval_batch_size": 2, "shuffle": False, "drop_last": False}
VALID |= {"cache_gb": 20, "targets": {"road": "segmentation", "far": "depth"}}


def example(i: int) -> dict[str, np.ndarray]:
    """A picture whose blue is its number, classes with missing ones, and depths in millimetres."""
    draw = np.random.default_rng(i)
    image = draw.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    image[..., 2] = i
    road = draw.integers(0, 3, SIZE).astype(np.uint8)
    road[draw.random(SIZE) < 0.2] = 255
    far = draw.integers(0, 9000, SIZE).astype(np.uint16)
    far[draw.random(SIZE) < 0.2] = 0
    return {"images": image, "masks": road, "depth": far}


def written(root: Path, **endings: str) -> Path:
    """The examples in folders; endings of files that are no PNG."""
    for i in range(NUMBER):
        for name, array in example(i).items():
            file = root / name / f"{i:02}{endings.get(name, '.png')}"
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".npy":
                np.save(file, array)
            else:
                Image.fromarray(array).save(file)
    return root


def made(path: Path, **options: Any) -> DenseFolder:
    return DenseFolder.of(path=str(path), **VALID | options)


def seen(dataset: DenseFolder) -> dict[int, tuple[np.ndarray, dict[str, np.ndarray]]]:
    """``{the number of a picture: it, and its labels}`` as batches have them."""
    found = {}
    for split in dataset.sizes:
        loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), 0)
        for batch in loader.batches(1):
            image = (batch.inputs["image"] * 0.2 + 0.6) * 255
            for k, own in enumerate(image.round().byte().numpy()):
                targets = {task: y[k].numpy() for task, y in batch.targets.items()}
                found[int(own[2, 0, 0])] = own.transpose(1, 2, 0), targets
    return found


@pytest.mark.parametrize("listed", ["in folders", "in a table"])
@pytest.mark.parametrize("ending", [".png", ".npy"])
def test_files_become_batches(ending, listed, tmp_path):
    root = written(tmp_path / "data", masks=ending, depth=ending)
    path = root
    if listed == "in a table":
        rows = [[f"data/images/{i:02}.png", f"data/masks/{i:02}{ending}"] for i in range(NUMBER)]
        rows = [[*row, f"data/depth/{i:02}{ending}" if i else ""] for i, row in enumerate(rows)]
        path = tmp_path / "rows.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["image", "road", "far"], *rows])
    targets = {"road": "segmentation", "far": {"kind": "depth", "scale": 0.001}}
    dataset = made(path, targets=targets)
    assert dataset.sizes == {"train": 6, "val": 2, "test": 2}
    assert dataset.sizes_of_tasks == {"road": 3}
    assert dataset.map_sizes == {"road": SIZE, "far": SIZE}
    found = seen(dataset)
    assert sorted(found) == list(range(NUMBER))
    for i, (image, labels) in found.items():
        expected = example(i)
        np.testing.assert_array_equal(image, expected["images"])
        road = expected["masks"].astype(int)
        np.testing.assert_array_equal(labels["road"], np.where(road == 255, -1, road))
        far = np.where(expected["depth"] == 0, np.nan, expected["depth"] / 1000)
        if i == 0 and listed == "in a table":
            far[:] = np.nan  # its cell is blank
        np.testing.assert_allclose(labels["far"][0], far, rtol=1e-6)


def test_all_are_brought_to_one_size_and_a_pixel_of_a_map_is_one_that_was_there(tmp_path):
    dataset = made(written(tmp_path), size=[16, 24])
    assert dataset.inputs["image"].shape == (3, 16, 24)
    assert "10 of 8 x 12 brought to 16 x 24" in dataset.notes[0]
    for i, (image, labels) in seen(dataset).items():
        expected = example(i)
        road = expected["masks"].astype(int).repeat(2, 0).repeat(2, 1)
        np.testing.assert_array_equal(labels["road"], np.where(road == 255, -1, road))
        x = torch.from_numpy(expected["images"]).permute(2, 0, 1)[None].float()
        smooth = torch.nn.functional.interpolate(x, size=(16, 24), mode="bilinear")
        assert np.abs(image - smooth[0].permute(1, 2, 0).numpy()).max() <= 1


def test_values_become_classes_by_a_map_and_edges_may_be_missing(tmp_path):
    root = written(tmp_path)
    targets: dict[str, Any] = {
        "road": {"kind": "segmentation", "column": "masks", "map": {2: "road", "*": "other"}},
        "border": {"kind": "edges", "column": "masks", "map": {0: 0, 1: 1, 2: None}},
    }
    dataset = made(root, targets=targets)
    assert dataset.class_names["road"] == ["road", "other"]
    for i, (_, labels) in seen(dataset).items():
        road = example(i)["masks"]
        expected = np.select([road == 255, road == 2], [-1, 0], 1)
        np.testing.assert_array_equal(labels["road"], expected)
        border = np.select([road == 0, road == 1], [0.0, 1.0], np.nan)
        np.testing.assert_array_equal(labels["border"][0], border)


def test_normals_of_bytes_and_of_floats_are_unit_vectors(tmp_path):
    root = written(tmp_path)
    (root / "normals").mkdir()
    units = {}
    for i in range(NUMBER):
        unit = np.random.default_rng(i).standard_normal((*SIZE, 3))
        unit /= np.linalg.norm(unit, axis=2, keepdims=True)
        unit[0, :3] = 0
        units[i] = unit
        file = root / "normals" / f"{i:02}"
        if i % 2:
            np.save(file.with_suffix(".npy"), unit)
        else:
            image = np.round((unit + 1) * 127.5).astype(np.uint8)
            Image.fromarray(image).save(file.with_suffix(".png"))
    for i, (_, labels) in seen(made(root, targets={"up": "normals"})).items():
        expected = units[i].transpose(2, 0, 1)
        gone = np.isnan(labels["up"])
        np.testing.assert_array_equal(gone, (expected == 0).all(0)[None].repeat(3, 0))
        np.testing.assert_allclose(labels["up"][~gone], expected[~gone], atol=0.02)


def test_a_palette_and_a_photograph_that_lies_on_its_side_are_read(tmp_path):
    root = written(tmp_path)
    mask = Image.fromarray(example(3)["masks"], mode="P")
    mask.putpalette([value for k in range(256) for value in (255 - k, k, 7)])
    mask.save(root / "masks" / "03.png")
    turned = Image.fromarray(np.rot90(example(3)["images"]).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # turn it clockwise
    turned.save(root / "images" / "03.png", exif=exif)
    image, labels = seen(made(root))[3]
    road = example(3)["masks"].astype(int)
    np.testing.assert_array_equal(labels["road"], np.where(road == 255, -1, road))
    np.testing.assert_array_equal(image, example(3)["images"])


def test_a_column_says_the_splits(tmp_path):
    written(tmp_path)
    lines = [
        f"images/{i:02}.png,masks/{i:02}.png,{['train', 'val', 'test'][i % 3]}" for i in range(10)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["image,road,part", *lines]))
    split = SPLIT | {"by": "column", "column": "part"}
    dataset = made(tmp_path / "rows.csv", targets={"road": "segmentation"}, split=split)
    assert dataset.sizes == {"train": 4, "val": 3, "test": 3}
    assert set(dataset.splits["val"].inputs["image"][:, 2, 0, 0].tolist()) == {1, 4, 7}


def test_a_column_is_one_label_of_each_picture(tmp_path):
    written(tmp_path)
    said = {i: "" if i == 5 else ["wet", "dry"][i % 3 == 0] for i in range(NUMBER)}
    lines = [f"images/{i:02}.png,masks/{i:02}.png,{word},{0.5 * i}" for i, word in said.items()]
    (tmp_path / "rows.csv").write_text("\n".join(["image,road,state,age", *lines]))
    targets = {"state": "binary", "road": "segmentation", "age": "regression"}
    dataset = made(tmp_path / "rows.csv", targets=targets, flip=0.5, scales=[1.0, 1.5])
    assert list(dataset.tasks) == ["state", "road", "age"]
    assert dataset.class_names == {"state": ["dry", "wet"]}
    assert (dataset.map_sizes, dataset.sizes_of_tasks["road"]) == ({"road": SIZE}, 3)
    draw = torch.Generator().manual_seed(0)
    for split in dataset.sizes:
        for batch in dataset.loader(split, dataset.tasks, torch.device("cpu"), 0).batches(1):
            batch = dataset.augment(batch, draw) if split == "val" else batch
            for k, age in enumerate(batch.targets["age"].tolist()):
                state = batch.targets["state"][k].item()
                right = {"": -1, "wet": 1, "dry": 0}[said[round(2 * age)]]
                assert state == right or (np.isnan(state) and right == -1)


def test_a_label_of_a_picture_needs_a_table(tmp_path):
    with pytest.raises(Problem, match=r"targets\.state is one label .*\n  found: folders"):
        made(written(tmp_path), targets={"road": "segmentation", "state": "binary"})


def test_a_class_that_train_lacks_is_said(tmp_path):
    targets = {"road": {"kind": "segmentation", "num_classes": 5}}
    notes = made(written(tmp_path), targets=targets).notes
    assert notes == ("WARNING     road: no pixel of train is of class 3, 4",)


def mask_with(value: float) -> np.ndarray:
    mask = example(4)["masks"].astype(np.float32)
    mask[2, 3] = value
    return mask


ROAD = {"kind": "segmentation", "num_classes": 3}
# {what is wrong: (the file, what is in it, options, what is found)}
FAULTS: dict[str, tuple[str | None, Any, dict[str, Any], str]] = {
    "a mask of another size": ("masks/04.png", np.zeros((8, 11), np.uint8), {}, "8 x 11"),
    "a picture of another size": ("images/04.png", np.zeros((8, 11, 3), np.uint8), {}, "8 x 11"),
    "a class too large": ("masks/04.npy", mask_with(3), {"road": ROAD}, "3 in row 2, column 3"),
    "half a class": ("masks/04.npy", mask_with(0.5), {}, "0.5 in row 2, column 3"),
    "a value out of the map": (
        *("masks/04.npy", mask_with(7)),
        {"road": {"kind": "segmentation", "map": {0: "a", 1: "b", 2: "c"}}},
        "7 in row 2, column 3",
    ),
    "a depth below 0": ("depth/04.npy", np.full(SIZE, -2.0), {}, "-2 in row 0, column 0"),
    "colours": ("masks/04.png", example(4)["images"], {}, "3 channels that differ"),
    "a JPEG of classes": ("masks/04.jpg", np.zeros(SIZE, np.uint8), {}, r"\.jpg"),
    "objects": ("depth/04.npy", np.array([{}], dtype=object), {}, "Object arrays"),
    "half a file": ("images/04.png", b"half", {}, "[Tt]runcated|cannot identify"),
    "no image": ("images/04.png", b"none", {}, "cannot identify"),
    "no mask": ("masks/04.png", None, {}, "1 of 10 pictures"),
    "two pictures of a name": ("images/04.npy", example(4)["images"], {}, r"04\.npy"),
    "one class": (
        None,
        None,
        {"road": {"kind": "segmentation", "missing": [0, 1, 255]}},
        "2 alone",
    ),
    "no label": (None, None, {"far": {"kind": "depth", "missing": list(range(9000))}}, "none"),
    "a gap": (None, None, {"road": {"kind": "segmentation", "missing": [1, 255]}}, "values 0, 2"),
    "no such folder": (None, None, {"sky": "normals"}, "no sky nor normals"),
    "no such kind": (None, None, {"road": "segments"}, "segments"),
    "no such option": (None, None, {"road": {"kind": "depth", "scales": 2}}, "2"),
    "no kind": (None, None, {"road": {"map": {0: "a"}}}, "map"),
    "a map of depths": (None, None, {"far": {"kind": "depth", "map": {0: "a"}}}, "a"),
    "a map of words": (None, None, {"road": {"kind": "segmentation", "map": {"x": "a"}}}, "x"),
    "no target": (None, None, {}, "none"),
    "the name of pictures": (None, None, {"image": "depth"}, "image"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said_in_four_parts(fault, tmp_path):
    name, content, targets, found = FAULTS[fault]
    root = written(tmp_path / "data")
    targets = targets or (dict(VALID["targets"]) if name else {})
    if name is not None:
        file = root / name
        if fault != "two pictures of a name":
            file.with_suffix(".png").unlink()
        if isinstance(content, bytes) and content == b"half":
            Image.fromarray(example(4)["images"]).save(file)
            file.write_bytes(file.read_bytes()[:120])
        elif isinstance(content, bytes):
            file.write_bytes(content)
        elif file.suffix == ".npy":
            np.save(file, content, allow_pickle=True)
        elif content is not None:
            Image.fromarray(content).save(file)
        if "road" not in targets and "masks" in name:
            targets |= {"road": "segmentation"}
        if "far" not in targets and "depth" in name:
            targets |= {"far": "depth"}
    pattern = rf"(must|is|has) .*\n  found: .*({found}).*\n  try:   \S"
    with pytest.raises(Problem, match=pattern) as error:
        made(root, targets=targets, cache=str(tmp_path / "cache"))
    if name is not None:
        assert "04" in str(error.value)
        assert not list((tmp_path / "cache").glob("*"))


def offered(error: Problem, at: int = 0) -> dict[str, Any]:
    """The targets of one of the words that an error offers, as a command line takes it."""
    word = re.findall(r"'(dataset\.targets[^']*)'", error.fix)[at]
    ((_, override),) = parsed([word])
    return {"road": override.value()}


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (77, "segmentation"),
        (77, {"kind": "segmentation", "map": {0: "a", 1: "b", 2: "c"}}),
        (7, ROAD | {"column": "masks"}),
        (7, {"kind": "edges", "column": "masks", "map": {0: 0, 1: 1, 2: None}}),
    ],
)
def test_what_is_offered_for_an_odd_value_works(value, said, at, tmp_path):
    root = written(tmp_path)
    Image.fromarray(mask_with(value).astype(np.uint8)).save(root / "masks" / "04.png")
    with pytest.raises(Problem, match=rf"{value}[^\0]*" if "num" in said else "04") as error:
        made(root, targets={"road": said})
    if len(re.findall("dataset", error.value.fix)) > at:
        made(root, targets=offered(error.value, at))


def test_masks_of_one_value_and_of_0_and_255_are_told_apart(tmp_path):
    root = written(tmp_path)
    for file in (root / "masks").iterdir():
        Image.fromarray(np.where(example(0)["masks"] == 1, 255, 0).astype(np.uint8)).save(file)
    for kind in ("segmentation", "edges"):
        with pytest.raises(Problem, match="0 alone") as error:
            made(root, targets={"road": {"kind": kind, "column": "masks"}})
        made(root, targets=offered(error.value))
    for file in (root / "masks").iterdir():
        Image.fromarray(np.ones(SIZE, np.uint8)).save(file)
    with pytest.raises(Problem, match=r"1 alone[^\0]*another dataset\.split"):
        made(root, targets={"road": "segmentation"})


def test_the_usual_folder_is_of_the_one_target_that_has_none_of_its_name(tmp_path):
    root = written(tmp_path)
    shutil.copytree(root / "masks", root / "lane")
    both = {"road": "segmentation", "lane": "segmentation"}
    for _, labels in seen(made(root, targets=both)).values():
        np.testing.assert_array_equal(labels["road"], labels["lane"])
    for wrong in ({"road": {"kind": "segmentation", "column": "masks"}}, {}):
        with pytest.raises(Problem, match=r"\.column must name one"):
            made(root, targets=wrong | {"sky": "segmentation", "sea": "segmentation"})


@pytest.mark.parametrize(
    ("line", "found"),
    [("images/99.png,masks/00.png", "no .*99"), (",masks/00.png", "blank")],
)
def test_a_row_without_its_picture_is_named(line, found, tmp_path):
    written(tmp_path)
    (tmp_path / "rows.csv").write_text(f"image,road\nimages/01.png,masks/01.png\n{line}\n")
    with pytest.raises(Problem, match=rf"row 2 of rows\.csv must name .*\n  found: .*{found}"):
        made(tmp_path / "rows.csv", targets={"road": "segmentation"})


def test_it_trains_by_its_name_and_starts_again_from_the_cache(tmp_path, monkeypatch):
    written(tmp_path / "data")
    words = ["dataset=dense_folder", f"dataset.path={tmp_path / 'data'}", "encoder=cnn"]
    words += ["encoder.channels=[4]", "encoder.out_features=null", "head.channels=4"]
    words += ["dataset.targets={road: segmentation, far: {kind: depth, scale: 0.001}}"]
    words += ["trainer=smoke", f"dataset.cache={tmp_path / 'cache'}"]
    first = train([*words, f"hydra.run.dir={tmp_path / 'first'}"])
    assert set(first["test"]["road"]) == {"miou", "pixel_accuracy", "loss"}
    assert first["test"]["far"]["absolute_error"] < 10
    monkeypatch.setattr(folder_arrays, "read_picture", lambda *args: pytest.fail("read again"))
    again = train([*words, f"hydra.run.dir={tmp_path / 'again'}"])
    assert again["test"] == first["test"]
