"""A user's table becomes inputs and targets, whatever its format; what is wrong with it is said."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from omegaconf import OmegaConf
from sklearn.preprocessing import StandardScaler

from mtl_cli.basis.batch import matrix
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, Row
from mtl_cli.command_line.cli import compose_run
from mtl_cli.dataset.table import Table
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import build

YAML = Path(__file__).parent.parent.parent / "conf" / "dataset" / "table.yaml"
DEFAULTS = OmegaConf.to_container(OmegaConf.load(YAML).dataset)
DEFAULTS.pop("_target_")
DEFAULTS["split"]["seed"] = 0
WHOLE = {"val": 0, "test": 0}
PART = {"by": "column", "column": "part"}
N = 60


def make(path, **options):
    options = {"targets": {"income": "binary"}} | options
    options["split"] = DEFAULTS["split"] | options.get("split", {})
    return Table.of(**DEFAULTS | options | {"path": str(path)})


def columns(**types):
    """What says the types of columns."""
    return {"columns": {column: {"type": kind} for column, kind in types.items()}}


def dropped(*names):
    return columns(**dict.fromkeys(names, "drop"))


def frame():
    """A table of every type of column, with blanks in some."""
    draw = np.random.default_rng(0)
    data = pandas.DataFrame({"age": draw.normal(40, 10, N).round(2)})
    data["hours"] = draw.integers(0, 60, N).astype(float)
    data.loc[[3, 30, 50], "hours"] = np.nan
    data["city"] = draw.choice(["Rome", "New York, NY", 'the "old" town\n', "Oslo"], N)
    data.loc[[5, 40], "city"] = np.nan
    data["income"] = draw.choice(["high", "low"], N)
    data["sector"] = draw.choice(["a", "b", "c"], N)
    data["score"] = draw.normal(size=N).round(3)
    data["tall"], data["fast"] = draw.integers(0, 2, N), draw.integers(0, 2, N)
    data["income"] = data["income"].where(np.arange(N) % 9 > 0)
    data["sector"] = data["sector"].where(np.arange(N) % 7 > 0)
    data["score"] = data["score"].where(np.arange(N) % 5 > 0)
    return data


KINDS = {"income": "binary", "sector": "multiclass", "score": "regression", "able": "multilabel"}
ABLE = {"kind": "multilabel", "columns": ["tall", "fast"]}
ALL = {"targets": KINDS | {"able": ABLE}}


@pytest.fixture
def path(tmp_path):
    frame().to_csv(tmp_path / "my.csv", index=False)
    return tmp_path / "my.csv"


def whole(dataset):
    """The rows of all splits, in the order of the splits."""
    return torch.cat([matrix(rows.inputs["row"]) for rows in dataset.splits.values()])


def test_numbers_are_standardised_by_train_and_missing_ones_are_the_mean(path):
    dataset = make(path, **dropped("city", "sector", "score", "tall", "fast"))
    train = matrix(dataset.splits["train"].inputs["row"])
    assert dataset.inputs == {"row": Dense((3,))}  # age, hours, and whether hours are missing
    assert torch.allclose(train[:, 0].mean(), torch.tensor(0.0), atol=1e-5)
    age, hours = dataset.reader.columns
    data, x = frame(), whole(dataset)
    ages = x[:, 0].numpy() * age.deviation + age.mean  # they differ, so they say which row it is
    order = [int((data.age - value).abs().argmin()) for value in ages]
    assert sorted(order) == list(range(N))
    in_train = data.iloc[order[: len(train)]]
    scaler = StandardScaler().fit(in_train[["age", "hours"]])
    expected = np.nan_to_num(scaler.transform(data[["age", "hours"]])[order])
    assert np.allclose(x[:, :2], expected, atol=1e-5)
    assert np.array_equal(x[:, 2], data.hours.isna()[order])
    assert (age.flagged, hours.flagged) == (False, True)


def test_categories_have_codes_and_rare_missing_and_unseen_ones_share_code_0(tmp_path):
    split = ["train"] * 8 + ["val"] * 2 + ["test"] * 3
    city = ["b", " a", "b", "a ", "c", "?", "", "b", "a", "d", "c", "b", "e"]
    income = ["x", "y"] * 6 + ["x"]
    data = pandas.DataFrame({"split": split, "city": city, "income": income})
    data.to_csv(tmp_path / "a.csv", index=False)
    split = {"by": "column", "column": "split"}
    dataset = make(tmp_path / "a.csv", split=split, **columns(city="category"))
    assert dataset.inputs == {"row": Row(0, (3,))}
    assert whole(dataset)[:, 0].tolist() == [2, 1, 2, 1, 0, 0, 0, 2, 1, 0, 0, 2, 0]
    assert dataset.sizes == {"train": 8, "val": 2, "test": 3}
    dataset = make(tmp_path / "a.csv", split=split, min_count=1)
    assert whole(dataset)[:, 0].tolist() == [2, 1, 2, 1, 3, 0, 0, 2, 1, 0, 3, 2, 0]


def test_targets_of_all_kinds_stand_side_by_side(path):
    dataset, data = make(path, **ALL, split=WHOLE), frame()
    targets = dataset.targets("train")
    assert list(targets) == list(dataset.tasks) == list(KINDS)
    income = data.income.map({"high": 0.0, "low": 1.0}).to_numpy(np.float32)
    assert np.array_equal(targets["income"], income, equal_nan=True)
    sector = data.sector.map({"a": 0, "b": 1, "c": 2}).fillna(-1)
    assert np.array_equal(targets["sector"], sector)
    assert np.array_equal(targets["score"], data.score, equal_nan=True)
    assert np.array_equal(targets["able"], data[["tall", "fast"]])
    assert dataset.sizes_of_tasks == {"sector": 3, "score": 1, "able": 2}
    assert dataset.class_names["income"] == ["high", "low"]
    assert dataset.class_names["able"] == ["tall", "fast"]
    assert {task: y.dtype for task, y in targets.items()} == {
        "income": torch.float32,
        "sector": torch.int64,
        "score": torch.float64,  # a time or a coordinate keeps its digits
        "able": torch.float32,
    }


def test_no_target_nor_any_column_that_says_something_of_a_row_is_an_input(path):
    dataset = make(path, **ALL)
    learned = [column.name for column in dataset.reader.columns]
    assert learned == ["age", "hours", "city"]
    options = {"targets": {"rich": {"kind": "binary", "column": "income"}}} | dropped("score")
    options |= {"weight_column": "tall", "task_column": "sector"}
    data = frame().fillna({"sector": "a", "tall": 1})
    data["part"] = ["train", "val", "test"] * (N // 3)
    data.to_csv(path, index=False)
    dataset = make(path, **options, split=PART)
    assert {column.name for column in dataset.reader.columns} == {"age", "hours", "city", "fast"}


@pytest.mark.parametrize(
    "name", ["my.tsv", "my.jsonl", "my.parquet", "my.csv.gz", "bare.csv", "parts"]
)
def test_every_format_gives_the_same_examples(path, tmp_path, name):
    data, other, options = frame(), tmp_path / name, {}
    if name == "my.tsv":
        data.to_csv(other, index=False, sep="\t")
    elif name == "my.jsonl":
        data.to_json(other, orient="records", lines=True)
    elif name == "my.parquet":
        data.to_parquet(other)
    elif name == "bare.csv":
        data.to_csv(other, index=False, header=False)
        options = {"header": False, "names": list(data)}
    elif name == "parts":
        other.mkdir()
        for i in range(3):
            data[i * 20 : i * 20 + 20].to_csv(other / f"{i}.csv", index=False)
    else:
        data.to_csv(other, index=False)
    one, two = make(path, **ALL), make(other, **ALL, **options)
    assert one.inputs == two.inputs == {"row": Row(3, (5,))}
    assert one.sizes == two.sizes
    for split, rows in one.splits.items():
        assert torch.equal(matrix(rows.inputs["row"]), matrix(two.splits[split].inputs["row"]))
        for task, target in rows.targets.items():
            assert torch.equal(
                target.nan_to_num(-9), two.splits[split].targets[task].nan_to_num(-9)
            )


def test_an_npz_is_a_table_too(tmp_path):
    x = np.random.default_rng(0).normal(size=(N, 3))
    np.savez(tmp_path / "a.npz", X=x, income=np.arange(N) % 2, sector=np.arange(N) % 5 - 1)
    options = {"targets": {"income": "binary", "sector": "multiclass"}, "split": WHOLE}
    dataset = make(tmp_path / "a.npz", **options)
    expected = StandardScaler().fit_transform(x)
    assert np.allclose(matrix(dataset.splits["train"].inputs["row"]), expected, atol=1e-5)
    assert dataset.class_names["sector"] == ["-1", "0", "1", "2", "3"]


def test_a_type_that_was_said_beats_the_one_inferred(tmp_path):
    data = pandas.DataFrame(
        {"zip": ["01", "02", "01", "1"] * 5, "id": [f"{i} x" for i in range(20)]}
    )
    data["when"] = pandas.date_range("2020-01-01", periods=20).astype(str)
    data["flag"], data["constant"] = [True, False] * 10, 3
    data["income"] = ["a", "b", "b", "a"] * 5
    data.to_csv(tmp_path / "a.csv", index=False)
    dataset = make(tmp_path / "a.csv")
    kinds = [line.split()[:2] for line in dataset.notes[2:]]
    assert kinds == [
        ["zip", "number"],
        ["id", "dropped"],
        ["when", "dropped"],
        ["flag", "category"],
        ["constant", "dropped"],
    ]
    said = columns(zip="category", id="category", flag="drop")
    dataset = make(tmp_path / "a.csv", **said, min_count=1)
    assert [column.name for column in dataset.reader.columns] == ["zip", "id"]
    assert dataset.reader.columns[0].values == ["01", "1", "02"]
    with pytest.raises(Problem, match=r"column id must hold finite numbers.*\n.*'0 x' in row 1 of"):
        make(tmp_path / "a.csv", **columns(id="number"))


def test_a_cell_that_keeps_a_column_from_being_a_number_is_named(tmp_path):
    cells = [*map(str, range(20)), "n/a", "#N/A", "", "12 kg"] * 2  # n/a is a missing number
    data = pandas.DataFrame({"a": cells, "b": [c.replace("12 kg", "") for c in cells]})
    data["c"], data["income"] = ["x", "1"] * 24, ["a", "b"] * 24
    data.to_csv(tmp_path / "a.csv", index=False)
    a, b, c = make(tmp_path / "a.csv").notes[2:]
    assert a.split()[1] == "category"
    assert "; mostly numbers, and '12 kg'" in a
    assert b.split()[:3] == ["b", "number", "8"]
    assert c.split()[1] == "category"
    assert "mostly numbers" not in c


def test_a_test_file_of_its_own_is_the_test_split(path, tmp_path):
    data = frame()
    data["city"], data["age"] = "Rome", data["age"].astype(str).replace("40.0", "?")
    data[:10].to_csv(tmp_path / "test.csv", index=False)
    dataset = make(path, test_path=str(tmp_path / "test.csv"))
    assert dataset.sizes == {"train": 54, "val": 6, "test": 10}
    categories = [column for column in dataset.reader.columns if column.sizes]
    rome = categories[0].values.index("Rome") + 1
    assert (matrix(dataset.splits["test"].inputs["row"])[:, -len(categories)] == rome).all()
    data.drop(columns="city").to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(Problem, match="city"):
        make(path, test_path=str(tmp_path / "test.csv"))


def test_a_label_map_makes_a_task_of_any_column(path):
    roman = {"kind": "binary", "column": "city", "map": {"Rome": 1, "*": 0}}
    dataset = make(path, targets={"roman": roman}, split=WHOLE)
    city = frame().city
    expected = np.where(city.isna(), np.nan, city == "Rome").astype(np.float32)
    assert np.array_equal(dataset.targets("train")["roman"], expected, equal_nan=True)


def test_weights_of_rows_are_those_of_every_task(path):
    data = frame().assign(weight=np.arange(N) / 10)
    data.to_csv(path, index=False)
    dataset = make(path, **ALL, weight_column="weight", split=WHOLE)
    weights = dataset.splits["train"].weights
    assert set(weights) == set(KINDS)
    assert np.allclose(weights["score"], data.weight)
    data.assign(weight=[*[-1, -2], *[1] * (N - 2)]).to_csv(path, index=False)
    with pytest.raises(Problem, match=r"'?-1'? in row 1 of my\.csv \(2 cells like it\)"):
        make(path, weight_column="weight")


def schools(num_rows=300):
    """Pupils of schools, whose score depends on one number and on the school."""
    draw = np.random.default_rng(1)
    data = pandas.DataFrame(
        {"school": draw.integers(0, 6, num_rows) * 10, "x": draw.normal(size=num_rows)}
    )
    data["score"] = (2 * data.x + data.school / 10 + 0.1 * draw.normal(size=num_rows)).round(4)
    data["x2"] = draw.normal(size=num_rows).round(3)
    return data


def test_a_column_makes_a_task_of_each_group(tmp_path):
    data = schools()
    data.to_csv(tmp_path / "school.csv", index=False)
    options = {"targets": {"score": "regression"}, "task_column": "school"}
    dataset = make(tmp_path / "school.csv", **options, split={"val": 0.1, "test": 0})
    names = ["0", "10", "20", "30", "40", "50"]
    assert list(dataset.tasks) == names
    assert dataset.patterns == dict.fromkeys(names, "score")
    labels = torch.stack(list(dataset.targets("train").values()))
    assert ((~labels.isnan()).sum(0) == 1).all()  # each pupil is of one school
    counts = np.unique(data.school, return_counts=True)[1]
    assert np.abs((~labels.isnan()).sum(1).numpy() - 0.9 * counts).max() < 2
    two = {"targets": {"score": "regression", "x2": "regression"}, "task_column": "school"}
    dataset = make(tmp_path / "school.csv", **two)
    assert list(dataset.tasks)[:3] == ["0_score", "0_x2", "10_score"]
    assert dataset.patterns["10_x2"] == "x2"


def test_the_groups_of_a_table_train_together(tmp_path):
    schools().to_csv(tmp_path / "school.csv", index=False)
    words = [
        "dataset=table",
        f"dataset.path={tmp_path / 'school.csv'}",
        "dataset.task_column=school",
    ]
    words += ["dataset.targets={score: regression}", "arch=mmoe", "encoder.hidden=[16]"]
    words += ["optimizer.lr=0.03", "dataset.batch_size=16", f"hydra.run.dir={tmp_path / 'run'}"]
    words += ["trainer.max_epochs=15"]
    cfg, folder = compose_run("train", words)
    (folder / "checkpoints").mkdir()
    run = build(cfg, RunFolder(folder), torch.device("cpu"))
    assert run.trainer.fit() == "completed"
    figures = run.trainer.test()
    assert len(figures) == 6
    assert all(own["mse"] < 1 for own in figures.values())  # of a variance of about 4


def test_what_was_inferred_is_said(path):
    dataset = make(path, **ALL)
    text = "\n".join(dataset.notes)
    for words in [
        "target income: binary",
        "low is 1",
        "target sector: multiclass",
        "target score: regression",
        "target able: multilabel",
        "column  type      missing  values",
        "flagged where missing",
        "city    category        2  4: New York, NY",
    ]:
        assert words in text
    assert dataset.source == "my.csv"


def test_a_regression_of_two_values_is_remarked(tmp_path):
    data = frame().assign(score=[0, 1] * (N // 2))
    data.to_csv(tmp_path / "a.csv", index=False)
    notes = make(tmp_path / "a.csv", targets={"score": "regression"}).notes
    assert "only two values: binary?" in notes[0]


def test_skipped_rows_are_said(path):
    with path.open("a") as file:
        file.write("1,2\n")
    with pytest.raises(Problem, match=rf"row {N + 1} of "):
        make(path)
    assert make(path, on_bad_row="skip").notes[0] == "broken rows skipped: 1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targets": None}, "'dataset.targets={income: binary"),
        ({"targets": {"incme": "binary"}}, "income in its place"),
        ({"targets": {"income": "binry"}}, "multiclass, ordinal, multilabel"),
        ({"targets": {"income": "regression"}}, "{income: multiclass}"),
        ({"targets": {"age": "binary"}}, "{age: regression}"),
        ({"targets": {"age": "multiclass"}}, "{age: regression}"),
        ({"targets": {"able": ABLE | {"columns": ["tal"]}}}, "tall in its"),
        ({"targets": {"able": ABLE | {"columns": ["tall", "age"]}}}, "column age"),
        ({"targets": {"able": ABLE | {"columns": "tall"}}}, "must be a list of columns"),
        (
            {"targets": {"able": ABLE | {"kind": "binary"}}},
            "are of a regression or multilabel target",
        ),
        ({"targets": {"able": {"columns": ["tall"]}}}, "dataset.targets.able.kind=binary"),
        ({"targets": {"able": ABLE | {"colum": "tall"}}}, "dataset.targets.able.column=..."),
        ({"targets": {"income": {"kind": "binary", "map": {"high": 1}}}}, "'low' ("),
        ({"targets": {"income": {"kind": "binary", "map": "high"}}}, "is {label: class}"),
        ({"targets": {"income": {"kind": "binary", "weight": "ag"}}}, "age in its place"),
        ({"targets": {"income": {"kind": "binary", "weight": "city"}}}, "finite numbers"),
        (columns(city="words"), "category, date, drop, id, image, list, number, subwords, text"),
        (columns(cty="drop"), "city in its place"),
        ({"columns": {"city": "category"}}, "'dataset.columns.city={type: category}'"),
        ({"columns": {"age": {"type": "number", "min_count": 3}}}, "a number has type"),
        ({"columns": {"city": {"type": "category", "min_count": 0}}}, "at least 1"),
        ({"columns": ["a", "b"]}, "'dataset.names=[a,b]'"),
        ({"split": {"by": "column", "column": "cty"}}, "city in its place"),
        ({"split": {"by": "column", "column": "city"}}, "must be train, val or test"),
        ({"split": {"by": "group", "column": "sector"}}, "must say the group of each row"),
        ({"split": {"by": "time", "column": "income"}}, "must say when each row is"),
        ({"split": {"vl": 0.1}}, "dataset.split.val=..."),
        ({"split": {"by": "group", "column": 3}}, "\"dataset.split.column='3'\", in quotes"),
        ({"weight_column": 3}, "must be the name of a column"),
        ({"task_column": True}, "must be the name of a column"),
        ({"targets": {"income": {"kind": "binary", "column": 3}}}, "must be the name of a column"),
        ({"targets": {"income": {"kind": "binary", "weight": 1.5}}}, "the name of a column"),
        ({"targets": {"able": ABLE | {"columns": [1, 2]}}}, "each of dataset.targets.able.columns"),
        ({"header": False, "names": 3}, "must be a list of names"),
        ({"delimiter": 3}, "must be one character"),
        ({"encoding": None}, "must be an encoding"),
        ({"weight_column": "city"}, "finite numbers"),
        ({"task_column": "cty"}, "city in its place"),
        ({"task_column": "sector"}, "a blank cell in row 1"),
        (dropped("age", "hours", "city", "sector", "score", "tall", "fast"), "to learn from"),
        ({"min_count": 0}, "dataset.min_count"),
        ({"split": {"val": 0.9, "test": 0.9}}, "leave rows to train on"),
        ({"test_path": "nowhere.csv"}, "no nowhere.csv"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(path, options, words):
    with pytest.raises(Problem) as error:
        make(path, **options)
    assert words in str(error.value)


def test_a_path_must_be_given():
    with pytest.raises(Problem, match=r"dataset\.path=my\.csv"):
        Table.of(**DEFAULTS)


def test_labels_that_teach_nothing_are_refused(tmp_path):
    data = frame()
    data["part"] = ["train"] * 30 + ["test"] * 30
    for column, kind, values, words in [
        ("score", "regression", [1.5] * 30 + [2.0] * 30, "must vary in train"),
        ("income", "binary", ["low"] * 30 + ["high"] * 30, "no high"),
        ("income", "binary", ["low"] * 60, "two classes"),
        ("score", "regression", [""] * 30 + [2] * 30, "must have a label in train"),
    ]:
        data.assign(**{column: values}).to_csv(tmp_path / "a.csv", index=False)
        with pytest.raises(Problem, match=words):
            make(tmp_path / "a.csv", targets={column: kind}, split=PART)


def test_a_reader_is_plain_data(path):
    state = make(path, **ALL).reader.state()
    assert json.loads(json.dumps(state, allow_nan=False)) == state


def test_without_a_path_all_that_a_table_needs_is_said():
    with pytest.raises(Problem, match=r"try:   dataset\.path=\S+ 'dataset\.targets=\{.*\}'$"):
        Table.of(**DEFAULTS)


def test_a_flag_that_is_none_is_answered_with_what_a_flag_is(path):
    data = frame().assign(tall="maybe")
    data.to_csv(path, index=False)
    with pytest.raises(Problem, match=r"column tall.*0 or 1\.\n.*'maybe'.*\n.*an empty cell$"):
        make(path, **ALL)


def dated(path):
    """A table with a day and a patient for each row, in no order."""
    draw = np.random.default_rng(2)
    days = pandas.date_range("2020-01-01", periods=N)[draw.permutation(N)]
    data = frame().assign(day=[str(day.date()) for day in days], patient=draw.integers(0, 15, N))
    data.to_csv(path, index=False)
    return data


@pytest.mark.parametrize("name", ["my.csv", "my.parquet"])
def test_the_last_rows_by_a_date_are_test_and_the_date_is_no_input(path, name):
    data = dated(path)
    if name == "my.parquet":  # where dates are dates
        data.assign(day=pandas.to_datetime(data.day)).to_parquet(path.parent / name)
    split = {"by": "time", "column": "day"}
    by_seed = [
        make(path.parent / name, split=split | {"seed": seed}, targets={"score": "regression"})
        for seed in (0, 1)
    ]
    for dataset in by_seed:
        assert dataset.sizes == {"train": 42, "val": 6, "test": 12}
        assert list(dataset.drawn) == []
        assert "day" not in [column.name for column in dataset.reader.columns]
        for split, rows in (
            ("train", slice(0, 42)),
            ("val", slice(42, 48)),
            ("test", slice(48, N)),
        ):
            expected = np.sort(data.sort_values("day").score[rows])
            found = np.sort(dataset.targets(split)["score"])
            assert np.array_equal(found, expected, equal_nan=True)


def test_rows_of_a_group_are_in_one_split_and_the_group_is_no_input(path):
    data = dated(path)
    groups = {}
    for seed in (0, 1):
        split = {"by": "group", "column": "patient", "seed": seed}
        dataset = make(path, split=split, targets={"age": "regression"})
        assert dataset.drawn == ["val", "test"]
        assert "patient" not in [column.name for column in dataset.reader.columns]
        patients = dict(zip(data.age, data.patient, strict=True))  # ages differ
        groups[seed] = {
            split: {patients[round(age.item(), 2)] for age in dataset.targets(split)["age"]}
            for split in ("train", "val", "test")
        }
        assert sum(map(len, groups[seed].values())) == data.patient.nunique()
    assert groups[0]["test"] != groups[1]["test"]


def test_a_target_may_have_weights_of_its_own(path):
    data = frame().assign(weight=np.arange(N) / 10, other=np.arange(N) / 7)
    data.to_csv(path, index=False)
    own = {"kind": "regression", "weight": "other"}
    options = {"targets": {"score": own, "income": "binary"}, "split": WHOLE}
    dataset = make(path, **options, weight_column="weight")
    weights = dataset.splits["train"].weights
    assert np.allclose(weights["score"], data.other)
    assert np.allclose(weights["income"], data.weight)
    assert not {"weight", "other"} & {column.name for column in dataset.reader.columns}
    assert set(make(path, **options).splits["train"].weights) == {"score"}
    (batch,) = dataset.reader.read(path, "row", 100, ["score", "income"])
    assert np.allclose(batch.weights["score"], data.other)
    assert np.allclose(batch.weights["income"], data.weight)


def test_a_category_may_have_a_min_count_of_its_own(path):
    cities = dropped("sector", "tall", "fast")["columns"]
    for min_count, codes in ((1, 4), (1000, 0)):
        cities["city"] = {"type": "category", "min_count": min_count}
        columns = make(path, columns=cities).reader.columns
        assert sum(sum(c.sizes) - 1 for c in columns if c.sizes) == codes


def test_a_class_that_only_test_has_counts_as_missing_and_is_said(tmp_path):
    rows = [f"{i},{'ab'[i % 2]},{i % 3},train" for i in range(20)] + ["20,c,1,test", "21,a,2,test"]
    (tmp_path / "t.csv").write_text("\n".join(["x,cls,n,fold", *rows]), encoding="utf-8")
    options = {"targets": {"cls": "multiclass"}, "split": {"by": "column", "column": "fold"}}
    dataset = make(tmp_path / "t.csv", **options)
    assert dataset.targets("test")["cls"].tolist() == [-1, 0]
    assert any("no row in train is c (1)" in note for note in dataset.notes)


def test_a_group_whose_name_would_part_a_path_has_a_task(path):
    data = frame().assign(school=np.resize(["St. Mary", "St_ Mary", "Hill"], N))
    data.to_csv(path, index=False)
    dataset = make(path, targets={"score": "regression"}, task_column="school")
    assert list(dataset.tasks) == ["Hill", "St_ Mary_", "St_ Mary"]
    groups = {task: group for task, (_, group) in dataset.reader.groups.items()}
    assert groups == {"Hill": "Hill", "St_ Mary_": "St. Mary", "St_ Mary": "St_ Mary"}


def test_a_name_with_dots_is_told_from_a_path(path):
    frame().to_csv(path, index=False)
    with pytest.raises(Problem, match=r"'dataset.columns={petal.width: {type: number}}'$"):
        make(path, **ALL, columns={"petal": {"width": {"type": "number"}}})


def test_a_wide_table_keeps_the_whole_of_what_was_inferred_for_a_file(tmp_path):
    draw = np.random.default_rng(0)
    data = pandas.DataFrame(draw.normal(size=(N, 40)), columns=[f"g{i}" for i in range(40)])
    data.assign(income=draw.integers(0, 2, N)).to_csv(tmp_path / "my.csv", index=False)
    dataset = make(tmp_path / "my.csv")
    assert dataset.notes[-1] == "40 columns: 40 number"
    assert [line.split()[0] for line in dataset.details] == ["column", *data.columns]
    data[["g0", "g1"]].assign(income=data.g0 > 0).to_csv(tmp_path / "narrow.csv", index=False)
    assert make(tmp_path / "narrow.csv").details == ()
