"""Pictures with labels: every way that they lie on disk, and every fault by its name."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

import mtl_cli
from mtl_cli.basis.digest import digest_of
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.images import Images
from mtl_cli.dataset.prepared import plan
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
from mtl_cli.trained.labelled_data import LabelledFiles

SIZE = (6, 9)
KINDS = ("ant", "bee", "cat")
SPLIT = {"by": "fraction", "column": None, "val": 0.2, "test": 0.2, "seed": 0}
SPLIT |= {"folds": None, "fold": None, "date_format": None}
VALID: dict[str, Any] = dict.fromkeys(
    ["path", "val_path", "test_path", "sources", "image", "root", "partition", "origin", "augment"]
)
VALID |= {"targets": {"kind": "multiclass"}, "split": SPLIT, "normalise": [0.6, 0.2]}
VALID |= {"size": None, "fit": "resize", "channels": None, "max_pixels": 10_000, "workers": 2}
VALID |= {"on_bad_picture": "error", "cache": False, "cache_gb": 20}
VALID |= {"sampling": "min_size", "temperature": 2.0, "batch_size": 4, "eval_batch_size": 4}
VALID |= {"shuffle": True, "drop_last": False}


def picture(i: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Its blue is its number."""
    array = np.random.default_rng(i).integers(0, 256, (*size, 3)).astype(np.uint8)
    array[..., 2] = i
    return array


def in_folders(root: Path, numbers: Iterable[int] = range(30)) -> Path:
    for i in numbers:
        file = root / KINDS[i % 3] / f"{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(i)).save(file)
    return root


def in_table(root: Path, *others: list[Any]) -> Path:
    in_folders(root / "photos")
    rows = [[f"photos/{KINDS[i % 3]}/{i:02}.png", KINDS[i % 3], i / 10] for i in range(30)]
    with (root / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "kind", "tall"], *rows, *others])
    return root / "rows.csv"


def made(path: Path | None, **options: Any) -> Images:
    return Images.of(**VALID | {"path": None if path is None else str(path)} | options)


def seen(dataset: Images, split: str, input: str = "image") -> dict[int, dict[str, Any]]:
    """``{the number of a picture: its bytes and labels}`` as batches have them."""
    found = {}
    loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), 0)
    for batch in loader.batches(1):
        if input not in batch.inputs:
            continue
        image = ((batch.inputs[input] * 0.2 + 0.6) * 255).round().byte().numpy()
        for k, own in enumerate(image.transpose(0, 2, 3, 1)):
            labels = {task: y[k].item() for task, y in batch.targets.items() if len(y) > k}
            found[int(own[0, 0, -1])] = {"image": own} | labels
    return found


def test_folders_are_what_torchvision_finds_in_them(tmp_path):
    root = in_folders(tmp_path)
    dataset, reference = made(root), ImageFolder(str(root))
    assert dataset.class_names["kind"] == reference.classes
    found = {n: own for split in dataset.sizes for n, own in seen(dataset, split).items()}
    assert len(found) == len(reference) == 30
    for image, label in reference:
        own = found[image.getpixel((0, 0))[2]]
        np.testing.assert_array_equal(own["image"], np.asarray(image))
        assert own["kind"] == label


def test_a_table_gives_several_targets_and_splits_say_which_is_which(tmp_path):
    dataset = made(in_table(tmp_path), targets={"kind": "multiclass", "tall": "regression"})
    assert dataset.sizes == {"train": 18, "val": 6, "test": 6}
    for split in dataset.sizes:
        for i, own in seen(dataset, split).items():
            np.testing.assert_array_equal(own["image"], picture(i))
            assert own["kind"] == i % 3
            assert own["tall"] == pytest.approx(i / 10)


def test_folders_below_train_val_and_test_are_these_splits(tmp_path):
    for split, numbers in {
        "train": range(18),
        "valid": range(18, 24),
        "test": range(24, 30),
    }.items():
        in_folders(tmp_path / split, numbers)
    dataset = made(tmp_path)
    assert sorted(seen(dataset, "val")) == list(range(18, 24))
    assert sorted(seen(dataset, "test")) == list(range(24, 30))
    assert dataset.drawn == []


def test_sources_have_tasks_of_their_own_and_one_cache(tmp_path):
    one, two = in_folders(tmp_path / "one"), in_table(tmp_path / "two")
    sources = {
        "studio": {"path": str(one)},
        "street": {"path": str(two), "labels": {"street": "kind", "tall": "tall"}},
    }
    targets = {"studio": "multiclass", "street": "multiclass", "tall": "regression"}
    own = {"sources": sources, "targets": targets, "cache": str(tmp_path / "cache")}
    dataset = made(None, **own)
    assert dataset.tasks == {"studio": "studio", "street": "street", "tall": "street"}
    assert {i: own["street"] for i, own in seen(dataset, "val", "street").items()}.items() <= {
        i: i % 3 for i in range(30)
    }.items()
    again = made(None, **own)
    assert digest_of(dataset.content()) == digest_of(again.content())
    assert len(list((tmp_path / "cache").iterdir())) == 1
    for i, own in seen(again, "train", "studio").items():
        np.testing.assert_array_equal(own["image"], picture(i))


def test_a_second_start_decodes_nothing(tmp_path, monkeypatch):
    path, cache = in_table(tmp_path), str(tmp_path / "cache")
    first = seen(made(path, cache=cache), "train")
    monkeypatch.setattr(plan, "read_bytes", None)
    second = seen(made(path, cache=cache), "train")
    assert first.keys() == second.keys()


def test_crop_keeps_the_middle_and_grey_pictures_one_channel(tmp_path):
    for i in range(30):
        file = tmp_path / KINDS[i % 3] / f"{i}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(i, (8, 16))[..., 2]).save(file)
    dataset = made(tmp_path, size=[8, 8], fit="crop")
    assert dataset.inputs["image"].shape == (1, 8, 8)
    assert sorted(seen(dataset, "test")) == sorted({*seen(dataset, "test")})
    wide = np.arange(16, dtype=np.uint8)[None, :, None].repeat(8, 0)
    np.testing.assert_array_equal(plan.smooth(wide, (8, 8), "crop"), wide[:, 4:12])


def test_what_is_drawn_for_a_step_is_drawn_again(tmp_path):
    augment = {"flip": 0.5, "crop": 2, "rotate": 20, "colour": 0.3, "erase": 0.5, "mixup": 0.4}
    dataset = made(in_folders(tmp_path), augment=augment)

    def batches(epoch: int, start: int = 0) -> list[torch.Tensor]:
        loader = dataset.loader("train", dataset.tasks, torch.device("cpu"), 7)
        return [batch.inputs["image"] for batch in loader.batches(epoch, start)]

    whole = batches(1)
    for a, b in zip(whole[2:], batches(1, 2), strict=True):
        assert torch.equal(a, b)
    assert not any(torch.equal(a, b) for a, b in zip(whole, batches(2), strict=True))
    plain = dataset.loader("val", dataset.tasks, torch.device("cpu"), 7)
    assert all(
        torch.equal(a.inputs["image"], b.inputs["image"])
        for a, b in zip(plain.batches(1), plain.batches(2), strict=True)
    )


def damaged(root: Path) -> dict[str, Path]:
    """Pictures that cannot be read."""
    text = root / "ant" / "98.png"
    text.write_text("no picture")
    short = root / "bee" / "99.png"
    short.write_bytes((root / "bee" / "01.png").read_bytes()[:90])
    bomb = root / "cat" / "97.png"
    Image.new("L", (200, 200)).save(bomb)
    return {"text": text, "short": short, "bomb": bomb}


def test_bad_pictures_are_counted_or_left_out(tmp_path):
    root = in_folders(tmp_path)
    damaged(root)
    with pytest.raises(Problem, match="3 of 33 cannot be read"):
        made(root)
    dataset = made(root, on_bad_picture="skip")
    assert sum(dataset.sizes.values()) == 30
    assert "3 pictures that cannot be read are left out: 98.png" in dataset.notes[0]
    for i, own in seen(dataset, "train").items():
        assert own["kind"] == i % 3


@pytest.mark.parametrize("fault", ["text", "short", "bomb"])
def test_a_bad_picture_is_named(fault, tmp_path):
    root = in_folders(tmp_path)
    files = damaged(root)
    for name, file in files.items():
        if name != fault:
            file.unlink()
    words = {"text": "image that is whole", "short": "image that is whole", "bomb": "40,000 pixels"}
    with pytest.raises(Problem, match=words[fault]) as error:
        made(root)
    assert error.value.thing == str(files[fault])
    if fault == "bomb":
        assert error.value.fix.startswith("dataset.max_pixels=40000; ")
    assert "dataset.on_bad_picture=skip leaves such out" in error.value.fix


def test_rows_without_pictures_and_pictures_without_rows(tmp_path):
    path = in_table(tmp_path, ["photos/gone.png", "ant", 1], ["photos/lost.png", "bee", 2])
    with pytest.raises(Problem, match="2 of 32 rows without one, first row 31 of rows"):
        made(path)
    dataset = made(path, on_bad_picture="skip")
    assert sum(dataset.sizes.values()) == 30
    assert "2 rows without a picture are left out, first row 31 of rows.csv" in dataset.notes
    path = in_table(tmp_path)
    Image.fromarray(picture(40)).save(tmp_path / "photos" / "ant" / "40.png")
    assert "1 pictures beside them are in no row: 40.png" in made(path).notes


def test_folders_that_are_no_classes(tmp_path):
    root = in_folders(tmp_path / "a")
    (root / "dog").mkdir()
    with pytest.raises(Problem, match="an empty folder"):
        made(root)
    for name, words in (("1", "1 is the same"), ("None", "a word for a missing label")):
        root = in_folders(tmp_path / f"b{name}")
        (root / "ant").rename(root / name)
        (root / "bee").rename(root / "1.0")
        with pytest.raises(Problem, match=words):
            made(root)
    with pytest.raises(Problem, match="a folder of pictures for each class"):
        made(in_folders(tmp_path / "c") / "ant")


def test_mixed_sizes_and_colours_need_a_word(tmp_path):
    root = in_folders(tmp_path)
    Image.fromarray(picture(1, (7, 9))).save(root / "bee" / "01.png")
    with pytest.raises(Problem) as error:
        made(root)
    assert error.value.fix == "'dataset.size=[6,9]', to which all are brought"
    with pytest.raises(Problem, match="must have the size of"):
        made(root, on_bad_picture="skip")  # it can be read
    dataset = made(root, size=[6, 9])
    assert any("29 of 6 x 9, 1 of 7 x 9 brought to 6 x 9" in note for note in dataset.notes)
    Image.fromarray(picture(0)).convert("L").save(root / "ant" / "00.png")
    with pytest.raises(Problem, match="must be grey"):
        made(root, size=[6, 9])
    assert made(root, size=[6, 9], channels=1).inputs["image"].shape == (1, 6, 9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": None}, "dataset.path must be a table"),
        ({"path": None, "sources": {"kind": {}}}, "sources.kind.path must be a table"),
        ({"path": None, "sources": {"kind": {"pth": "a"}}}, "sources.kind.pth has no such setting"),
        ({"path": None, "sources": {"a": {"path": "b.csv"}}}, "sources.a must have the labels"),
        ({"augment": {"flop": 1}}, "dataset.augment.flop has no such option"),
        ({"augment": {"flip": 2}}, "dataset.augment.flip must be a number from 0 to 1"),
        ({"size": [4]}, "dataset.size must be"),
        ({"channels": 2}, "dataset.channels must be"),
        ({"normalise": [1, 0]}, "deviation of dataset.normalise"),
        ({"targets": {"kind": "multiclass", "tall": "regresion"}}, "targets.tall must be one of"),
    ],
)
def test_options_that_are_none(options, words, tmp_path):
    root = in_folders(tmp_path)
    with pytest.raises(Problem, match=words):
        Images.of(**VALID | {"path": str(root)} | options)


def test_a_run_reads_new_pictures_of_folders_and_tables_alike(tmp_path):
    path = in_table(tmp_path)
    words = [f"dataset.path={path}", "dataset.targets={kind: multiclass, tall: regression}"]
    words += ["dataset=images", "dataset.cache=false", "encoder=cnn", "trainer=smoke", "device=cpu"]
    mtl_cli.train([*words, "dataset.size=[8,8]", f"hydra.run.dir={tmp_path}/run"])
    assert (tmp_path / "run/plots/labelled.png").is_file()
    run = mtl_cli.load_run(tmp_path / "run")
    by_table, by_folder = run.predict(path), run.predict(tmp_path / "photos")
    assert list(by_table.picture) == [f"photos/{KINDS[i % 3]}/{i:02}.png" for i in range(30)]
    by_table["file"] = by_table.picture.str.removeprefix("photos/")
    columns = ["file", "kind", "p(kind=bee)", "tall"]
    ordered = by_table.sort_values("file", ignore_index=True)
    pandas.testing.assert_frame_equal(ordered[columns], by_folder[columns], atol=1e-5)
    pixels = np.stack([picture(i) for i in range(30)])
    np.testing.assert_allclose(run.predict(pixels).tall, by_table.tall, atol=1e-5)
    (batch,) = LabelledFiles(run, {"image": str(tmp_path / "photos")}, ["kind"], 30).batches(1)
    assert batch.targets["kind"].tolist() == [0] * 10 + [1] * 10 + [2] * 10


def test_a_run_that_skips_pictures_leaves_bad_ones_out_of_new_data(tmp_path, caplog):
    path = in_table(tmp_path)
    words = ["dataset=images", f"dataset.path={path}", "dataset.targets={kind: multiclass}"]
    words += ["dataset.on_bad_picture=skip", "dataset.cache=false", "encoder=cnn"]
    mtl_cli.train([*words, "trainer.max_epochs=1", f"hydra.run.dir={tmp_path / 'run'}"])
    run = f"run={tmp_path / 'run'}"
    rows = pandas.read_csv(path)[:6]
    rows.to_csv(tmp_path / "whole.csv", index=False)
    predict([run, f"input={tmp_path}/whole.csv", f"out={tmp_path}/a.csv"])
    new = in_folders(tmp_path / "new", range(6))
    (new / "ant" / "00.png").write_bytes(b"no picture")
    rows.path = [f"new/{KINDS[i % 3]}/{i:02}.png" for i in range(6)]
    rows.loc[4, "path"] = ""
    rows.loc[5, "path"] = "new/gone.png"
    rows.to_csv(tmp_path / "some.csv", index=False)
    predict([run, f"input={tmp_path}/some.csv", f"out={tmp_path}/b.csv", "batch_size=2"])
    assert "3 pictures that are not there or cannot be read are left out" in caplog.text
    whole, some = (pandas.read_csv(tmp_path / f"{own}.csv") for own in "ab")
    assert some.row.tolist() == [2, 3, 4]
    columns = [own for own in whole.columns if own not in ("file", "picture")]
    expected = whole[columns][1:4].reset_index(drop=True)
    pandas.testing.assert_frame_equal(some[columns], expected)
    assert evaluate([run, f"input={tmp_path}/some.csv"])["examples"] == 3
    predict([run, f"input={new}", f"out={tmp_path}/c.csv"])
    assert len(pandas.read_csv(tmp_path / "c.csv")) == 5
