"""New rows are read as the train rows were, by what a run keeps as JSON."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from omegaconf import OmegaConf

from mtl_cli.basis.batch import matrix
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.table import Table

YAML = Path(__file__).parent.parent.parent.parent / "conf" / "dataset" / "table.yaml"
DEFAULTS = OmegaConf.to_container(OmegaConf.load(YAML).dataset)
DEFAULTS.pop("_target_")
DEFAULTS["split"] |= {"seed": 0, "val": 0, "test": 0}
TARGETS = {"income": "binary", "sector": "multiclass", "score": "regression"}
TARGETS["able"] = {"kind": "multilabel", "columns": ["tall", "fast"]}
N = 40


def frame():
    draw = np.random.default_rng(0)
    data = pandas.DataFrame({"x": draw.normal(size=N), "city": draw.choice(["a", "b", "c"], N)})
    data["hours"] = draw.integers(0, 50, N).astype(float)
    data.loc[3, "hours"] = np.nan
    data["income"], data["sector"] = draw.choice(["0", "1"], N), draw.choice(["u", "v", "w"], N)
    data["score"] = draw.normal(size=N)
    data["tall"], data["fast"] = draw.integers(0, 2, N), draw.integers(0, 2, N)
    data["group"] = np.arange(N) % 4
    data.loc[5, ["income", "sector", "score"]] = None
    return data


@pytest.fixture
def path(tmp_path):
    frame().to_csv(tmp_path / "my.csv", index=False)
    return tmp_path / "my.csv"


def make(path, **options):
    options = {"targets": TARGETS, "columns": {"group": {"type": "drop"}}} | options
    return Table.of(**DEFAULTS | options | {"path": str(path)})


def through_json(reader):
    return TableReader.from_state(json.loads(json.dumps(reader.state(), allow_nan=False)))


def equal(a, b):
    return torch.allclose(a, b, rtol=1e-14, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["new.csv", "new.jsonl", "new.parquet"])
@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_rows_and_labels_are_those_of_the_training(path, tmp_path, name, batch_size):
    dataset, new = make(path), tmp_path / name
    reader = through_json(dataset.reader)
    assert reader.state() == dataset.reader.state()
    assert reader.inputs == dataset.inputs
    data = frame()
    if name == "new.csv":
        data.to_csv(new, index=False)
    elif name == "new.jsonl":
        data.to_json(new, orient="records", lines=True, double_precision=15)
    else:
        data.to_parquet(new)
    batches = list(reader.read(new, "row", batch_size, list(TARGETS)))
    assert all(len(batch) <= batch_size for batch in batches)
    rows = torch.cat([matrix(batch.inputs["row"]) for batch in batches])
    assert torch.allclose(rows, matrix(dataset.splits["train"].inputs["row"]), atol=1e-6)
    for task, target in dataset.targets("train").items():
        found = torch.cat([batch.targets[task] for batch in batches])
        assert torch.allclose(found, target, rtol=1e-13, equal_nan=True)  # JSON has 15 digits
    assert [n for batch in batches for n in batch.names["row"]] == list(range(1, N + 1))
    assert {file for batch in batches for file in batch.names["file"]} == {name}


def test_rows_without_labels_need_no_column_of_them(path, tmp_path):
    reader = through_json(make(path).reader)
    data = frame()[["hours", "city", "x"]]  # in another order, too
    data.to_csv(tmp_path / "new.csv", index=False)
    (batch,) = reader.read(tmp_path / "new.csv", "row", 100)
    assert batch.targets == {}
    assert torch.equal(
        matrix(batch.inputs["row"]), matrix(make(path).splits["train"].inputs["row"])
    )
    with pytest.raises(Problem, match="income"):
        list(reader.read(tmp_path / "new.csv", "row", 100, ["income"]))
    data.drop(columns="city").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(Problem, match=r"there: hours, x"):
        list(reader.read(tmp_path / "new.csv", "row", 100))


def test_what_training_never_saw_is_unknown_or_missing(path, tmp_path):
    reader = through_json(make(path).reader)
    text = "x,city,hours\n1,zzz,3\n2,a,\n?,b,4\nNA,?,nan\n"
    (tmp_path / "new.csv").write_text(text)
    (batch,) = reader.read(tmp_path / "new.csv", "row", 100)
    x, hours, no_hours, city = matrix(batch.inputs["row"]).T
    assert city.tolist() == [0, 1, 2, 0]
    assert no_hours.tolist() == [0, 1, 0, 1]
    assert (x[2], x[3], hours[1], hours[3]) == (0, 0, 0, 0)
    (tmp_path / "new.csv").write_text("x,city,hours\n1,a,3\nmuch,a,4\n")
    with pytest.raises(Problem, match=r"column x .*\n.*'much' in row 2 of new\.csv") as error:
        list(reader.read(tmp_path / "new.csv", "row", 100))
    assert "dataset." not in str(error.value)  # whose settings are those of the training


def test_a_new_label_that_is_no_number_is_named_without_settings(path, tmp_path):
    reader = through_json(make(path).reader)
    frame().assign(score="much").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(Problem, match=r"'much' in row 1 of new\.csv \(40 cells.*\n.*empty$"):
        list(reader.read(tmp_path / "new.csv", "row", 100, ["score"]))


def test_an_unknown_label_is_named(path, tmp_path):
    reader = through_json(make(path).reader)
    frame().assign(sector="zzz").to_csv(tmp_path / "new.csv", index=False)
    rule = r"must be one of u, v, w\."
    with pytest.raises(Problem, match=rf"{rule}\n.*'zzz' \(40 times, first in row 1 of new\.csv\)"):
        list(reader.read(tmp_path / "new.csv", "row", 100, ["sector"]))


def test_the_labels_of_a_group_are_its_own(path):
    options = {"targets": {"score": "regression"}, "task_column": "group", "columns": None}
    dataset = make(path, **options)
    reader = through_json(dataset.reader)
    (batch,) = reader.read(path, "row", 100, ["1", "3"])
    for task in ("1", "3"):
        assert equal(batch.targets[task], dataset.targets("train")[task])


def test_files_without_a_header_stay_so(path, tmp_path):
    data = frame()
    data.to_csv(tmp_path / "bare.csv", index=False, header=False, sep=";")
    options = {"header": False, "names": list(data), "delimiter": ";"}
    dataset = make(tmp_path / "bare.csv", **options)
    (batch,) = through_json(dataset.reader).read(tmp_path / "bare.csv", "row", 100, ["income"])
    assert torch.equal(matrix(batch.inputs["row"]), matrix(dataset.splits["train"].inputs["row"]))
    assert equal(batch.targets["income"], dataset.targets("train")["income"])


def test_no_path_is_kept(path):
    assert str(path.parent) not in json.dumps(make(path).reader.state())


def german(values):
    """Numbers as Germans write them."""
    swap = str.maketrans({",": ".", ".": ","})
    return [f"{value:,.3f}".translate(swap) for value in values]


@pytest.mark.parametrize("whole", [True, False])
def test_numbers_of_other_countries_are_those_that_they_stand_for(tmp_path, monkeypatch, whole):
    """In all files that hold them: as text in a CSV, as numbers in a Parquet file."""
    monkeypatch.setattr("mtl_cli.dataset.readers.table.CHUNK_ROWS", 15)
    draw = np.random.default_rng(0)
    data = pandas.DataFrame({"a": draw.normal(0, 1e4, N).round(3), "b": draw.normal(size=N)})
    data["b"] = data["b"].round(3)
    data["score"] = (draw.normal(size=N) * 1e4).round(3)
    written = data.assign(a=german(data.a), b=german(data.b))
    if whole:
        written["score"] = german(data.score)
    plain, other, stored = tmp_path / "p.csv", tmp_path / "o.csv", tmp_path / "o.parquet"
    lines = tmp_path / "o.jsonl"
    data.to_json(lines, orient="records", lines=True)
    data.to_csv(plain, index=False)
    written.to_csv(other, sep=";", index=False)
    data.to_parquet(stored)
    marks = {"decimal": ",", "thousands": "."}
    column = {"type": "number", **marks}
    said = marks if whole else {"columns": {"a": column, "b": column}}
    targets = {"targets": {"score": "regression"}, "columns": None}
    like = make(plain, **targets)
    dataset = make(other, **targets | said | {"delimiter": ";"})
    rows = matrix(like.splits["train"].inputs["row"])
    assert torch.equal(matrix(dataset.splits["train"].inputs["row"]), rows)
    assert torch.equal(dataset.targets("train")["score"], like.targets("train")["score"])
    for file in (other, stored, lines):
        parts = list(through_json(dataset.reader).read(file, "row", 100, ["score"]))
        assert torch.equal(torch.cat([matrix(part.inputs["row"]) for part in parts]), rows)
        labels = torch.cat([part.targets["score"] for part in parts])
        assert torch.equal(labels, like.targets("train")["score"])


def test_the_words_that_an_error_offers_read_such_numbers(tmp_path):
    (tmp_path / "my.csv").write_text("x;y\n" + "".join(f"0,{i};1,{i % 7}\n" for i in range(30)))
    said = {"path": tmp_path / "my.csv", "delimiter": ";", "targets": {"y": "regression"}}
    with pytest.raises(Problem, match=r"""try:   'dataset\.decimal=","'"""):
        make(**said | {"columns": None})
    assert make(**said | {"columns": None, "decimal": ","}).reader.columns[0].name == "x"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_id_is_no_input_and_stands_beside_predictions(tmp_path, suffix):
    data = frame().assign(user_id=[f"{i:03}" for i in range(N)], row=np.arange(N)[::-1])
    plain, file = tmp_path / "plain.csv", tmp_path / f"my.{suffix}"
    frame().to_csv(plain, index=False)
    data.to_csv(file, index=False) if suffix == "csv" else data.to_parquet(file)
    ids = {name: {"type": "id"} for name in ("user_id", "row")}
    dataset = make(file, columns={"group": {"type": "drop"}, **ids})
    rows = matrix(dataset.splits["train"].inputs["row"])
    assert torch.equal(rows, matrix(make(plain).splits["train"].inputs["row"]))
    reader = through_json(dataset.reader)
    [part] = reader.read(file, "row", 100)
    assert torch.equal(matrix(part.inputs["row"]), rows)
    assert list(part.names) == ["file", "row", "user_id", "id.row"]
    assert part.names["user_id"].to_pylist() == list(data.user_id)
    assert list(map(int, part.names["id.row"].to_pylist())) == list(data.row)
    [labelled] = reader.read(plain, "row", 100, ["score"])  # whose ids are not needed
    assert torch.equal(matrix(labelled.inputs["row"]), rows)
    plain_rows = dataset.plain_table.features(rows)
    assert np.array_equal(plain_rows, make(plain).plain_table.features(rows), equal_nan=True)


def test_a_column_that_is_called_an_id_is_said_to_be_one(tmp_path):
    data = frame().assign(
        user_id=range(N), grid=range(N), code_id=np.arange(N) % 5, userId=range(N)
    )
    data["id"] = [f"u{i}" for i in range(N)]
    data.to_csv(tmp_path / "my.csv", index=False)
    dataset = make(tmp_path / "my.csv")
    hinted = [note.split()[0] for note in dataset.notes if "an id?" in note]
    assert hinted == ["user_id", "userId", "id"]
    assert [note.split()[0] for note in dataset.notes if "ids?" in note] == ["code_id"]
    said = {name: {"type": "id"} for name in hinted}
    dataset = make(tmp_path / "my.csv", columns=said)
    assert not [note for note in dataset.notes if "an id?" in note]


def test_row_numbers_of_pandas_are_said_to_be_an_id(tmp_path):
    frame().to_csv(tmp_path / "my.csv")  # beneath no name
    hint = "'dataset.columns={\"\": {type: id}}'"
    assert [note for note in make(tmp_path / "my.csv").notes if f"an id? {hint}" in note]
    frame().sample(frac=1, random_state=1).to_parquet(tmp_path / "my.parquet")
    hint = "'dataset.columns.__index_level_0__={type: id}'"
    assert [note for note in make(tmp_path / "my.parquet").notes if f"an id? {hint}" in note]


def test_dates_are_the_same_as_text_and_as_stored(tmp_path):
    moments = pandas.date_range("2021-03-04 08:15", periods=N, freq="7h")
    data = frame().assign(when=moments, day=moments.strftime("%d.%m.%Y"))
    text, stored = tmp_path / "my.csv", tmp_path / "my.parquet"
    data.to_csv(text, index=False)
    data.assign(day=moments.normalize()).to_parquet(stored)
    said = {"when": {"type": "date"}, "day": {"type": "date", "date_format": "%d.%m.%Y"}}
    dataset = make(text, columns=said)
    rows = matrix(dataset.splits["train"].inputs["row"])
    for file in (text, stored):
        [part] = through_json(dataset.reader).read(file, "row", 100)
        assert torch.equal(matrix(part.inputs["row"]), rows)
    assert torch.equal(matrix(make(stored, columns=said).splits["train"].inputs["row"]), rows)
