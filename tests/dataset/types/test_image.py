"""Columns of pictures: parts of the input beside the row, read as ``dataset=images`` reads them."""

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

import mtl_cli
from mtl_cli.basis.digest import digest_of
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.images import Images
from mtl_cli.dataset.prepared import plan
from mtl_cli.dataset.table import Table
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict

CONF = Path(__file__).parents[3] / "conf" / "dataset"
TABLE = OmegaConf.to_container(OmegaConf.load(CONF / "table.yaml").dataset)
IMAGES = OmegaConf.to_container(OmegaConf.load(CONF / "images.yaml").dataset)
for own in (TABLE, IMAGES):
    own.pop("_target_")
    own["split"] |= {"by": "column", "column": "part", "seed": 0}
N, SIZE = 40, [6, 8]


def save(folder: Path, names: list[str], seed: int = 0, size=(12, 10)) -> None:
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = draw.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


def frame(n: int = N) -> pd.DataFrame:
    draw = random.Random(0)
    data = pd.DataFrame({"photo": [f"pictures/{i}.png" for i in range(n)]})
    data["price"] = [round(draw.uniform(1, 9), 2) for _ in range(n)]
    data["part"] = ["train" if i < n // 2 else ("val", "test")[i % 2] for i in range(n)]
    data["good"] = [i % 2 for i in range(n)]
    return data


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "pictures", [f"{i}.png" for i in range(N)])
    frame().to_csv(tmp_path / "a.csv", index=False)
    return tmp_path / "a.csv"


def table(path, photo=None, **columns):
    said = {"type": "image", "size": SIZE, "cache": False} | (photo or {})
    own = {"path": str(path), "targets": {"good": "binary"}, "columns": {"photo": said, **columns}}
    return Table.of(**TABLE | own)


def read(dataset, split):
    """The input of a split as the model reads it."""
    loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), seed=0)
    (batch,) = loader.batches(0)
    return batch.inputs["row" if "row" in dataset.inputs else "image"]


def test_pictures_alone_are_those_of_the_images_dataset(path):
    own = table(path, price={"type": "drop"})
    given = {"path": str(path), "targets": {"good": "binary"}, "size": SIZE, "cache": False}
    given["image"] = "photo"
    theirs = Images.of(**IMAGES | given)
    assert own.inputs["row"] == theirs.inputs["image"] == Dense((3, *SIZE))
    assert own.inputs["row"].pixels == theirs.inputs["image"].pixels
    for split in ("val", "test"):
        assert torch.equal(read(own, split), read(theirs, split))


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_those_of_the_file_normalised(path, channels):
    own = table(path, {"size": None, "channels": channels, "normalise": [0.4, 0.5]})
    data = frame()
    part, joint = data[data.part == "val"], read(own, "val")
    for name, given in zip(part.photo, joint.parts["photo"], strict=True):
        with Image.open(path.parent / name) as image:
            plain = np.asarray(image.convert("L" if channels == 1 else "RGB"), np.float32)
        plain = plain.reshape(10, 12, channels).transpose(2, 0, 1)
        np.testing.assert_allclose(given.numpy(), (plain / 255 - 0.4) / 0.5, atol=1e-5)


def test_a_picture_in_several_rows_is_kept_once_and_a_blank_cell_is_none(path):
    data = frame()
    data["photo"] = ["pictures/3.png" if i % 2 else "pictures/4.png" for i in range(N)]
    data.loc[[1, N - 1], "photo"] = ["", "NA"]
    data.to_csv(path, index=False)
    own = table(path)
    stored = own.splits["train"].inputs["row"].parts["photo"]
    assert len(stored.whole) == 2
    present = torch.cat([rows.inputs["row"].present for rows in own.splits.values()])
    assert present[:, 0].all()
    assert int((~present[:, 1]).sum()) == 2


def test_paths_begin_in_the_folder_of_their_table_or_in_another(path, tmp_path):
    expected = read(table(path), "val")
    elsewhere = tmp_path / "tables" / "b.csv"
    elsewhere.parent.mkdir()
    frame().to_csv(elsewhere, index=False)
    with pytest.raises(Problem, match=r"40 of 40 rows without one, first row 1 of b.csv") as error:
        table(elsewhere)
    assert "dataset.columns.photo.root=<the folder" in str(error.value)
    given = read(table(elsewhere, {"root": str(tmp_path)}), "val")
    assert torch.equal(given.parts["photo"], expected.parts["photo"])
    data = frame()
    data["photo"] = [str(tmp_path / name) for name in data.photo]
    data.to_parquet(tmp_path / "tables" / "c.parquet")
    given = read(table(tmp_path / "tables" / "c.parquet"), "val")
    assert torch.equal(given.parts["photo"], expected.parts["photo"])


def test_the_second_start_decodes_nothing(path, tmp_path, monkeypatch):
    said = {"cache": str(tmp_path / "kept")}
    first = table(path, said)
    with monkeypatch.context() as patch:
        patch.setattr(plan, "read_bytes", None)
        second = table(path, said)
    assert torch.equal(read(first, "val").parts["photo"], read(second, "val").parts["photo"])
    digest = digest_of(first.content())
    assert digest == digest_of(second.content())
    save(tmp_path / "pictures", ["0.png"], seed=9)
    assert digest_of(table(path, said).content()) != digest


def test_a_picture_that_cannot_be_read_is_said_or_lacks(path, tmp_path):
    (tmp_path / "pictures" / "5.png").write_bytes(b"no picture")
    with pytest.raises(Problem, match=r"5.png must be an image that is whole") as error:
        table(path)
    assert "the file again" in str(error.value)
    own = table(path, {"on_bad_picture": "skip"})
    assert int((~own.splits["train"].inputs["row"].present[:, 1]).sum()) == 1
    assert any("left out: 1 that cannot be read, as 5.png" in line for line in own.notes)


def test_a_picture_that_is_not_there_is_said_or_lacks(path, tmp_path):
    whole = table(path).splits["train"].inputs["row"].parts["photo"]
    (tmp_path / "pictures" / "5.png").unlink()
    with pytest.raises(Problem, match=r"1 of \d+ rows[^$]*5.png[^$]*photo.on_bad_picture=skip$"):
        table(path)
    own = table(path, {"on_bad_picture": "skip"})
    assert any("left out: 1 that are not there, as 5.png" in line for line in own.notes)
    there = own.splits["train"].inputs["row"].present[:, 1]
    assert int((~there).sum()) == 1
    kept = own.splits["train"].inputs["row"].parts["photo"]
    at = there.nonzero().flatten()
    assert torch.equal(kept.take(at), whole.take(at))


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (
            {"max_pixels": 100},
            r"must have at most 100 pixels[^$]*columns.photo.max_pixels=",
        ),
        ({"size": 8}, r"^dataset.columns.photo.size must be a height and a width"),
        ({"size": None, "fit": "crp"}, r"^dataset.columns.photo.fit must be one of resize, crop"),
        ({"channels": 2}, r"try:   dataset.columns.photo.channels=3$"),
        ({"normalise": [1]}, r"^dataset.columns.photo.normalise must be the mean and"),
        ({"sizes": [4, 4]}, r"has no such option: a image has type, root, size"),
    ],
)
def test_mistakes_name_the_column(path, photo, said):
    with pytest.raises(Problem, match=said):
        table(path, photo)


def test_usual_options_stand_in_one_place_and_are_checked(path):
    usual = TABLE["decoding"] | {"size": [4, 4], "cache": False}
    own = {"path": str(path), "targets": {"good": "binary"}}
    own["columns"] = {"photo": {"type": "image"}}
    found = Table.of(**TABLE | own | {"decoding": usual})
    assert found.inputs["row"].parts[1][1] == Dense((3, 4, 4))
    with pytest.raises(
        Problem, match=r"dataset.decoding.siz has no such option[^$]*decoding.size="
    ):
        Table.of(**TABLE | own | {"decoding": {"siz": 3}})


def test_a_run_reads_row_and_picture_in_use_as_in_training(path, tmp_path):
    """The label is the picture's brightness and the price; without either it cannot be learned."""
    draw = random.Random(0)
    for name, count in (("a", 240), ("new", 60)):
        rows = []
        for i in range(count):
            bright, price = draw.randint(0, 255), draw.uniform(0, 2)
            file = f"{name}{i}.png"
            Image.new("RGB", (9, 7), (bright, bright, bright)).save(tmp_path / file)
            rows.append({"photo": file, "price": price, "y": bright / 128 + price})
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)
    run = tmp_path / "run"
    words = ["dataset=table", f"dataset.path={tmp_path / 'a.csv'}", "device=cpu"]
    words += ["dataset.targets={y: regression}", "trainer.max_epochs=15", "optimizer.lr=0.01"]
    words += ["dataset.columns={photo: {type: image, size: [4,4], cache: false}}"]
    words += ["encoder=joined", "encoder.parts={row: mlp, photo: cnn}", "pictures.curves=false"]
    mtl_cli.train([*words, f"hydra.run.dir={run}"])
    summary = json.loads((run / "summary.json").read_text())
    error = summary["test"]["y"]["mse"]
    assert error < 0.1 * summary["floor"]["y"]["mse"]
    assert summary["reference_name"].endswith("without photo")
    found = evaluate([f"run={run}", "split=test"])["figures"]["y"]["mse"]
    assert found == pytest.approx(error, rel=1e-6)
    fresh = evaluate([f"run={run}", f"input={tmp_path / 'new.csv'}"])["figures"]["y"]["mse"]
    assert fresh < 0.15 * summary["floor"]["y"]["mse"]
    predict([f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={tmp_path / 'out.csv'}"])
    answers = pd.read_csv(tmp_path / "new.csv").y - pd.read_csv(tmp_path / "out.csv").y
    assert (answers**2).mean() == pytest.approx(fresh, rel=1e-3)
    (tmp_path / "new3.png").unlink()
    with pytest.raises(Problem, match=r"1 of 60 rows without one, first row 4 of new.csv"):
        predict([f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={tmp_path / 'two.csv'}"])


@pytest.mark.parametrize("beside", [True, False])
def test_train_pictures_change_by_chance_and_no_others_do(path, beside):
    row = {} if beside else {"price": {"type": "drop"}}
    plain, own = (table(path, said, **row) for said in ({}, {"augment": {"flip": 1}}))

    def pictures(dataset, split):
        loader = dataset.loader(split, dataset.tasks, torch.device("cpu"), seed=0)
        every = [batch.inputs["row"] for batch in loader.batches(1)]
        return torch.cat([x.parts["photo"] if beside else x for x in every])

    for part in ("val", "test"):
        assert torch.equal(pictures(own, part), pictures(plain, part))
    assert torch.equal(pictures(own, "train"), pictures(plain, "train").flip(-1))
    assert not torch.equal(pictures(own, "train"), pictures(plain, "train"))


def test_a_column_is_not_mixed_and_a_wrong_option_is_named_by_its_column(path):
    with pytest.raises(Problem, match=r"columns.photo.augment.mixup must be 0 of a column"):
        table(path, {"augment": {"mixup": 0.2}})
    with pytest.raises(Problem, match=r"columns.photo.augment.flop has no such option"):
        table(path, {"augment": {"flop": 0.2}})


def test_a_run_with_augmented_columns_is_evaluated_as_it_is(path, tmp_path):
    words = ["dataset=table", f"dataset.path={path}", "dataset.targets={good: binary}"]
    words += ["dataset.columns={photo: {type: image, size: [6,8], augment: {flip: 1, erase: 1}}}"]
    words += ["dataset.decoding.cache=false", "trainer.max_epochs=1", "dataset.reference=0"]
    mtl_cli.train([*words, f"hydra.run.dir={tmp_path / 'run'}"])
    run = f"run={tmp_path / 'run'}"
    whole = evaluate([run, f"input={path}"])["figures"]["good"]["loss"]
    every = [evaluate([run, f"split={split}"]) for split in ("train", "val", "test")]
    mean = sum(own["figures"]["good"]["loss"] * own["examples"] for own in every) / N
    assert mean == pytest.approx(whole, rel=1e-5)


def test_new_rows_of_a_run_that_skips_pictures_lack_bad_ones(path, tmp_path, caplog):
    words = ["dataset=table", f"dataset.path={path}", "dataset.targets={good: binary}"]
    said = "{photo: {type: image, size: [6,8], on_bad_picture: skip}}"
    words += [f"dataset.columns={said}", "dataset.decoding.cache=false"]
    words += ["trainer.max_epochs=1", "dataset.reference=0"]
    mtl_cli.train([*words, f"hydra.run.dir={tmp_path / 'run'}"])
    data = frame().drop(columns="good")[:4]
    data.loc[3, "photo"] = ""
    data.to_csv(tmp_path / "blank.csv", index=False)
    data["photo"] = ["pictures/0.png", "pictures/1.png", "pictures/2.png", "pictures/gone.png"]
    data.to_csv(tmp_path / "gone.csv", index=False)
    run = f"run={tmp_path / 'run'}"
    for name in ("blank", "gone"):
        predict([run, f"input={tmp_path / name}.csv", f"out={tmp_path / name}_out.csv"])
    assert "1 of 4 cells of column photo name pictures that are not there" in caplog.text
    blank, gone = (pd.read_csv(tmp_path / f"{own}_out.csv") for own in ("blank", "gone"))
    pd.testing.assert_frame_equal(blank.drop(columns="file"), gone.drop(columns="file"))
    (tmp_path / "pictures" / "gone.png").write_bytes(b"no picture")
    predict([run, f"input={tmp_path}/gone.csv", f"out={tmp_path}/bad_out.csv"])
    bad = pd.read_csv(tmp_path / "bad_out.csv")
    pd.testing.assert_frame_equal(bad, gone)


def test_a_column_of_paths_that_nobody_said_is_shown_with_the_words_that_read_it(path):
    given = {"path": str(path), "targets": {"good": "binary"}}
    own = Table.of(**TABLE | given)
    assert any("photo={type: image, size: [64,64]}" in line for line in own.notes)
