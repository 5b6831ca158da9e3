"""A column is read in use as in training, whatever kind of file holds it."""

import datetime
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from mtl_cli.basis.batch import matrix
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.canonical import canonical, truths
from mtl_cli.dataset.files.held import held
from mtl_cli.dataset.table import Table

YAML = Path(__file__).parent.parent.parent / "conf" / "dataset" / "table.yaml"
DEFAULTS = OmegaConf.to_container(OmegaConf.load(YAML).dataset)
DEFAULTS.pop("_target_")
DEFAULTS["split"] |= {"seed": 0, "val": 0, "test": 0}
N = 24

DAYS = [datetime.date(2020, 2, day) for day in (1, 2, 28)]
VALUES = {
    "truth": [True, False],
    "time": [datetime.time(8), datetime.time(17, 30), datetime.time(23, 59, 59)],
    "day": DAYS,
    "moment": [pd.Timestamp(2021, 1, 1), pd.Timestamp(2021, 1, 2, 8, 15)],
    "zoned": [pd.Timestamp("2021-01-01 08:00", tz="UTC"), pd.Timestamp("2021-06-01", tz="UTC")],
    "code": ["007", "07", "7x"],
    "word": ["Rome", "  Oslo", "日本", 'a "b", c', "None at all"],
    "whole": [1, 2, 3],
    "large": [2**60 + 1, 2**60 + 2**20, -5],
    "number": [0.1, 1e30, -2.5e-7],
}
GAPS = {"truth", "time", "day", "moment", "code", "word", "number"}


@st.composite
def tables(draw):
    data = {"y": [i % 2 for i in range(N)]}
    for name, values in VALUES.items():
        cells = draw(st.lists(st.sampled_from(values), min_size=N, max_size=N))
        cells[: len(values)] = values  # so that none is constant
        cells[len(values) : 2 * len(values)] = values  # or rare
        if name in GAPS and draw(st.booleans()):
            cells[-1] = None
        data[name] = pd.Series(cells, dtype="boolean" if name == "truth" else None)
    return pd.DataFrame(data)


def as_json(frame, path):
    def plain(value):
        if value is None or value is pd.NA or value is pd.NaT or value != value:
            return None
        return value.item() if isinstance(value, np.generic) else value

    rows = [{k: plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "jsonl": as_json,
    "parquet": lambda frame, path: frame.to_parquet(path, index=False),
}


def written(frame, folder):
    """Paths of the same rows: a file of each kind, a folder of two files, and Python's memory."""
    folder.mkdir(exist_ok=True)
    paths = {}
    for kind, write in WRITERS.items():
        paths[kind] = folder / f"t.{kind}"
        write(frame, paths[kind])
    paths["folder"] = folder / "two"
    paths["folder"].mkdir(exist_ok=True)
    frame[: N // 2].to_csv(paths["folder"] / "a.csv", index=False)
    frame[N // 2 :].to_csv(paths["folder"] / "b.csv", index=False)
    return {**paths, "frame": Path("memory:rows")}


def make(path):
    given = {"path": str(path), "targets": {"y": "binary"}}
    return Table.of(**DEFAULTS | given | {"columns": {"whole": {"type": "category"}}})


def encoded(reader, path):
    return torch.cat([matrix(part.inputs["row"]) for part in reader.read(path, "row", N)])


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(frame=tables(), kind=st.sampled_from([*WRITERS, "folder", "frame"]))
def test_every_kind_of_file_gives_the_rows_of_the_training(tmp_path, caplog, frame, kind):
    with held({"rows": frame}):
        paths = written(frame, tmp_path / "t")
        table = make(paths[kind])
        names = [column.name for column in table.reader.columns]
        assert sorted(names) == sorted(VALUES)
        trained = matrix(table.splits["train"].inputs["row"])
        for other, path in paths.items():
            found = encoded(table.reader, path)
            wrong = [n for n, a in zip(names, (found != trained).any(0), strict=False) if a]
            assert torch.equal(found, trained), f"{kind} -> {other}: {wrong}"
    assert "unknown" not in caplog.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0", "1"), ("-2.00", "-2"), ("007", "007"), ("007.0", "007.0"), ("1.50", "1.50"),
        ("1e+15", "1000000000000000"), ("1e-3", "1e-3"), ("+", "+"), ("-", "-"),
        ("TRUE", "true"), ("False", "false"), ("truth", "truth"), ("t", "t"),
        ("8:00", "08:00:00"), ("08:00:00.500", "08:00:00.5"), ("08:00:00.000000", "08:00:00"),
        ("2021-01-01 00:00:00", "2021-01-01"), ("2021-01-01T08:15", "2021-01-01 08:15:00"),
        ("2021-01-01 08:15:00.000000000", "2021-01-01 08:15:00"),
        ("2021-01-01T02:00:00+02:00", "2021-01-01 00:00:00Z"),
        ("2021-01-01 00:00:00Z", "2021-01-01 00:00:00Z"), ("2021-13-01 00:00", "2021-13-01 00:00"),
        ("1:2:3:4", "1:2:3:4"), ("New York", "New York"), ("", ""),
    ],
)  # fmt: skip
def test_a_value_has_one_writing(text, expected):
    assert canonical(text) == expected
    assert canonical(expected) == expected


SPELLINGS = [
    ("False", "True"),
    ("FALSE", "TRUE"),
    ("f", "t"),
    ("F", "T"),
    ("no", "yes"),
    ("No", "Yes"),
]
SPELLINGS += [("N", "Y"), ("0", "1"), ("0.0", "1.0"), (0, 1), (0.0, 1.0), (False, True)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cells=st.lists(st.sampled_from([0, 1, None]), min_size=N - 4, max_size=N - 4),
    first=st.sampled_from(SPELLINGS),
    other=st.sampled_from(SPELLINGS),
    kinds=st.tuples(st.sampled_from([*WRITERS]), st.sampled_from([*WRITERS])),
)
def test_truth_values_are_one_however_a_file_spells_them(
    tmp_path, caplog, cells, first, other, kinds
):
    """As an input, and as a label; in training they are one pair of spellings."""
    cells = [0, 1, 0, 1, *cells]

    def write(spelling, kind, name):
        flag = [None if cell is None else spelling[cell] for cell in cells]
        label = [spelling[i % 2] for i in range(N)]
        frame = pd.DataFrame({"x": np.arange(N) ** 2, "flag": flag, "ill": label})
        WRITERS[kind](frame, tmp_path / f"{name}.{kind}")
        return tmp_path / f"{name}.{kind}"

    said = {"columns": {"flag": {"type": "category"}}}
    table = make_of(write(first, kinds[0], "a"), {"ill": "binary"}, **said)
    new = write(other, kinds[1], "b")
    trained = matrix(table.splits["train"].inputs["row"])
    assert trained[:, -1].tolist() == [0 if cell is None else cell + 1 for cell in cells]
    assert torch.equal(encoded(table.reader, new), trained)
    (part,) = table.reader.read(new, "row", N, ["ill"])
    assert part.targets["ill"].tolist() == [i % 2 for i in range(N)]
    assert "unknown" not in caplog.text


def test_other_values_are_no_truth_values():
    for values in (["f", "m"], ["t", "f", "true"], ["yes"], ["true", "no"], ["1", "2"], []):
        assert truths(values) == {}
    assert truths(["Y", "N"])["1"] == "Y"
    assert truths(["false", "true"])["no"] == "false"


def test_single_precision_stays_what_it_is(tmp_path):
    """Its text would be another number, in double precision."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"x": draw.normal(size=N).astype(np.float32), "y": [0, 1] * (N // 2)})
    frame.to_parquet(tmp_path / "t.parquet")
    table = make_of(tmp_path / "t.parquet", {"y": "binary"})
    with held({"rows": frame}):
        for path in (tmp_path / "t.parquet", "memory:rows"):
            found = encoded(table.reader, Path(path))
            assert torch.equal(found, matrix(table.splits["train"].inputs["row"]))


def frame_of(**more):
    draw = np.random.default_rng(0)
    data = {"x": draw.normal(size=60), "y": draw.normal(size=60).round(3)}
    return pd.DataFrame({**data, **more})


def make_of(path, targets, **options):
    given = {"path": str(path), "targets": targets}
    return Table.of(**DEFAULTS | given | options)


@pytest.mark.parametrize("word", ["NA", "N/A", "NaN", "nan", "None", "null", "", " ", "?"])
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_words_for_nothing_are_missing_labels(tmp_path, word, kind):
    classes = ["1", "2", "3"][: 2 if kind == "binary" else 3]
    labels = [word if i % 5 == 0 else classes[i % len(classes)] for i in range(60)]
    frame_of(cls=labels).to_csv(tmp_path / "t.csv", index=False)
    table = make_of(tmp_path / "t.csv", {"cls": kind})
    assert table.class_names["cls"] == classes
    target = table.splits["train"].targets["cls"]
    assert int((target.isnan() if kind == "binary" else target == -1).sum()) == 12


def test_a_map_makes_a_label_of_a_word_for_nothing(tmp_path):
    labels = ["None" if i % 2 else "severe" for i in range(60)]
    frame_of(cls=labels).to_csv(tmp_path / "t.csv", index=False)
    said = {"kind": "binary", "map": {"None": "healthy", "severe": "ill"}}
    table = make_of(tmp_path / "t.csv", {"cls": said})
    assert table.class_names["cls"] == ["healthy", "ill"]
    assert not table.splits["train"].targets["cls"].isnan().any()


@pytest.mark.parametrize("blank", ["  ", " NA ", "   ?"])
def test_blanks_among_numbers_are_missing(tmp_path, blank):
    frame = frame_of()
    cells = frame.x.astype(str).where(frame.index % 9 > 0, blank)
    frame.assign(x=cells, word=["a", blank, "b"] * 20).to_csv(tmp_path / "t.csv", index=False)
    table = make_of(tmp_path / "t.csv", {"y": "regression"})
    x, word = table.reader.columns
    assert (type(x).__name__, x.flagged) == ("Number", True)
    assert x.mean == pytest.approx(frame.x[frame.index % 9 > 0].mean())
    assert word.values == ["a", "b"]
    found = encoded(table.reader, tmp_path / "t.csv")
    assert torch.equal(found, matrix(table.splits["train"].inputs["row"]))


def test_one_and_one_point_nought_are_one_class(tmp_path):
    frame = frame_of(cls=[1 + i % 3 for i in range(60)])
    (tmp_path / "d").mkdir()
    frame[:30].to_csv(tmp_path / "d" / "a.csv", index=False)
    frame[30:].assign(cls=frame.cls[30:].astype(float)).to_csv(
        tmp_path / "d" / "b.csv", index=False
    )
    table = make_of(tmp_path / "d", {"cls": "multiclass"})
    assert table.class_names["cls"] == ["1", "2", "3"]
    for file in ("a.csv", "b.csv"):
        (part,) = table.reader.read(tmp_path / "d" / file, "row", 100, ["cls"])
        assert part.targets["cls"].unique().tolist() == [0, 1, 2]


def test_what_training_did_not_know_is_counted_and_said(tmp_path, caplog):
    frame = frame_of(zone=["a", "b", "c"] * 20, flag=[True, False] * 30)
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = make_of(tmp_path / "t.csv", {"y": "regression"})
    frame.assign(zone=["a", "z", "q"] * 20, flag="maybe").to_csv(tmp_path / "n.csv", index=False)
    with caplog.at_level(logging.WARNING):
        encoded(table.reader, tmp_path / "n.csv")
    assert "n.csv: 40 of 60 cells of column zone are categories" in caplog.text
    assert "n.csv: all 60 cells of column flag are categories" in caplog.text
    assert "('z' first)" in caplog.text


@pytest.mark.parametrize("options", [{"decimal": ","}, {"decimal": ",", "thousands": "."}])
@pytest.mark.parametrize("where", ["column", "all"])
def test_stored_numbers_beside_text_are_what_they_are(tmp_path, options, where):
    """1.234 of a Parquet file is no thousand, whatever a CSV file beside it means by a point."""
    x = pd.Series(np.random.default_rng(0).uniform(1, 99, 60).round(3))
    frame = frame_of(ill=[0, 1] * 30).assign(x=x).drop(columns="y")
    german = frame.assign(x=[f"{value:.3f}".replace(".", ",") for value in x])
    pairs = enumerate(zip(x, german.x, strict=True))
    mixed = frame.assign(x=[value if i % 3 else text for i, (value, text) in pairs])
    (tmp_path / "two").mkdir()
    german[:30].to_csv(tmp_path / "two" / "a.csv", index=False)
    frame[30:].to_parquet(tmp_path / "two" / "b.parquet")
    german.to_csv(tmp_path / "c.csv", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    as_json(mixed, tmp_path / "e.jsonl")
    said = {"columns": {"x": {"type": "number", **options}}} if where == "column" else options
    plain = make_of(tmp_path / "d.parquet", {"ill": "binary"})
    expected = matrix(plain.splits["train"].inputs["row"])
    for name in ["two", "c.csv", "d.parquet"] + ["e.jsonl"] * (where == "column"):
        table = make_of(tmp_path / name, {"ill": "binary"}, **said)
        torch.testing.assert_close(matrix(table.splits["train"].inputs["row"]), expected)
        for other in ("two", "c.csv", "d.parquet", "e.jsonl"):
            torch.testing.assert_close(encoded(table.reader, tmp_path / other), expected)
    if where == "all":
        with pytest.raises(Problem, match=r"numbers or text, not both[\s\S]*'dataset\.columns\.x="):
            make_of(tmp_path / "e.jsonl", {"ill": "binary"}, **said)
