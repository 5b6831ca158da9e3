"""Lists that files store are read as the same lists are from text, by plain pandas."""

import json
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pytest
import torch
import yaml
from pyarrow import parquet

import mtl_cli
from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.held import held
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.table import Table

N = 200
YAML = Path(__file__).parents[3] / "conf" / "dataset" / "table.yaml"
DEFAULTS: dict[str, Any] = dict(yaml.safe_load(YAML.read_text(encoding="utf-8"))["dataset"])
DEFAULTS.pop("_target_")
DEFAULTS |= {"targets": {"y": "binary"}, "min_count": 3}
DEFAULTS["split"] |= {"seed": 0, "val": 20, "test": 20}
WORDS = ["dataset.targets={y: binary}", "dataset.split={val: 20, test: 20}", "dataset.min_count=3"]
OPTIONS = "genres: {{type: list{0}}}, seen: {{type: list, vocabulary_of: item, max: 3{0}}}"
OPTIONS += ", item: {{type: category}}, tags: {{type: list, hash: 50, pool: sum{0}}}"
FILES = ["a.parquet", "b.jsonl", "c.csv"]
QUICK = ["pictures.curves=false", "pictures.metrics=false", "dataset.reference=0"]


def rows(shift: int = 0) -> pandas.DataFrame:
    """Lists of names, of whole numbers, and of whole numbers that are kept as fractions."""
    draw = np.random.default_rng(7)
    sizes = draw.integers(0, 6, N)
    ids = [[int(i) + shift for i in draw.zipf(1.6, size).clip(max=40)] for size in sizes]
    genres = [[f"g {i % 7}" for i in own[::-1]] for own in ids]
    item = draw.integers(1, 40, N)
    y = [int(len(own) > 2) for own in ids]
    tags = [[float(i % 9) for i in own] for own in ids]
    return pandas.DataFrame({"item": item, "genres": genres, "seen": ids, "tags": tags, "y": y})


def text_of(frame: pandas.DataFrame, mark: str = "|") -> pandas.DataFrame:
    lists = [name for name in frame if isinstance(frame[name][0], list)]
    return frame.assign(**{n: [mark.join(map(str, own)) for own in frame[n]] for n in lists})


def write(frame: pandas.DataFrame, folder: Path, mark: str = "|") -> Path:
    folder.mkdir(exist_ok=True)
    frame.to_parquet(folder / "a.parquet")
    frame.to_json(folder / "b.jsonl", orient="records", lines=True)
    text_of(frame, mark).to_csv(folder / "c.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(rows(), tmp_path_factory.mktemp("lists"), ";")


def split_in(file: str) -> str:
    return ', split: ";"' if file.endswith("csv") else ""


def made(path: Path | str, columns: str | None, **more: Any) -> Table:
    said = {} if columns is None else {"columns": yaml.safe_load(f"{{{columns}}}")}
    return Table.of(**DEFAULTS | {"path": str(path)} | said | more)


def again(dataset: Table, path: Path | str) -> Fields:
    """What a reader that went through JSON makes of all rows of a file."""
    reader = TableReader.from_state(json.loads(json.dumps(dataset.reader.state())))
    [part] = reader.read(Path(path), "row", 10**6)
    found = part.inputs["row"]
    assert isinstance(found, Fields)
    return found


def as_lists(bag: Bag) -> list[list[tuple[int, float]]]:
    pairs = list(zip(bag.indices.tolist(), bag.weights.tolist(), strict=True))
    return [pairs[a:b] for a, b in pairwise(bag.offsets.tolist())]


def same(one: Fields, other: Fields) -> bool:
    bags = [(own, its) for own, its in zip(one.lists, other.lists, strict=True)]
    tensors = [(one.numbers, other.numbers), (one.codes, other.codes)]
    tensors += [(getattr(a, k), getattr(b, k)) for a, b in bags for k in vars(a) if k != "bounds"]
    return all(torch.equal(*pair) for pair in tensors)


@pytest.mark.parametrize("file", FILES)
def test_every_file_of_the_same_lists_gives_the_same_codes(file: str, folder: Path) -> None:
    dataset = made(folder / file, OPTIONS.format(split_in(file)))
    expected = made(folder / "c.csv", OPTIONS.format(split_in("c.csv")))
    assert dataset.inputs == expected.inputs
    for split, own in dataset.splits.items():
        assert same(own.inputs["row"], expected.splits[split].inputs["row"]), split  # type: ignore
    text = folder if file.endswith("csv") else write(rows(), folder / "bars")
    for other in FILES:
        assert same(again(dataset, text / other), again(expected, folder / "c.csv")), other


def test_codes_are_those_that_pandas_counts(folder: Path) -> None:
    dataset, frame = made(folder / "a.parquet", OPTIONS.format("")), rows()
    found = {column.name: column for column in dataset.reader.columns}
    genres = found["genres"].values  # type: ignore[attr-defined]
    names = [name for name, column in found.items() if column.is_list]
    lists = dict(zip(names, again(dataset, folder / "a.parquet").lists, strict=True))
    known = {value: code for code, value in enumerate(genres, 1)}
    for cell, codes in zip(frame["genres"], as_lists(lists["genres"]), strict=True):
        assert codes == [(known.get(g, 0), pytest.approx(1 / len(cell))) for g in cell]
    counts = frame["genres"].explode().value_counts()
    assert {*genres} <= {*counts[counts >= 3].index}
    item = found["item"].values  # type: ignore[attr-defined]
    number = {int(value): code for code, value in enumerate(item, 1)}
    for cell, codes in zip(frame["seen"], as_lists(lists["seen"]), strict=True):
        assert [code for code, _ in codes] == [number.get(i, 0) for i in cell[:3]]
    assert all(w == 1 for own in as_lists(lists["tags"]) for _, w in own)


@pytest.mark.parametrize("kind", ["a.parquet", "b.jsonl"])
def test_stored_lists_are_lists_where_nobody_says_it(kind: str, folder: Path) -> None:
    said = made(folder / kind, "genres: {type: list}, seen: {type: list}, tags: {type: list}")
    assert same(again(made(folder / kind, None), folder / kind), again(said, folder / kind))


def test_lists_of_numbers_and_names_are_one(tmp_path: Path) -> None:
    """5, "5" and 5.0 are one id; a null list has no value, a null in one is unknown."""
    cells = [[5, "5", 5.0], ["5"], [5.0], [], None, [None, 6], [6, "a", " a "]] * 20
    lines = [json.dumps({"ids": own, "y": i % 2}) for i, own in enumerate(cells)]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    expected = [[(1, 1 / 3)] * 3, [(1, 1)], [(1, 1)], [], [], [(0, 0.5), (2, 0.5)]]
    expected += [[(2, 1 / 3), (3, 1 / 3), (3, 1 / 3)]]
    frame = pandas.DataFrame({"ids": cells, "y": [0, 1] * 70})
    with held({"rows": frame}):
        for path in (tmp_path / "x.jsonl", Path("memory:rows")):
            for found in (again(made(path, None), path), again(made(path, None), path)):
                first = as_lists(found.lists[0])[:7]
                assert first == [[(c, pytest.approx(w)) for c, w in own] for own in expected]


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.large_list(pyarrow.float32()),
        pyarrow.list_(pyarrow.int8()),
        pyarrow.list_(pyarrow.large_string()),
    ],
    ids=str,
)
def test_how_parquet_keeps_a_list_makes_no_difference(
    kind: pyarrow.DataType, tmp_path: Path
) -> None:
    cells = [[1, 2], [], None, [3, 1, 2], [None]] * 20
    text = "string" in str(kind)
    values = [own and [v if v is None or not text else str(v) for v in own] for own in cells]
    table = pyarrow.table({"ids": pyarrow.array(values, kind), "y": [0, 1] * 50})
    parquet.write_table(table, tmp_path / "x.parquet", row_group_size=7)
    dataset = made(tmp_path / "x.parquet", None)
    found = as_lists(again(dataset, tmp_path / "x.parquet").lists[0])
    assert [[code for code, _ in own] for own in found[:5]] == [[1, 2], [], [], [3, 1, 2], [0]]


def test_words_for_nothing_are_none_in_either(tmp_path: Path) -> None:
    cells = [["a", "NA", "b"], ["", "b"], ["?"], ["a", "c"]] * 20
    write(pandas.DataFrame({"ids": cells, "y": [0, 1] * 40}), tmp_path)
    stored = again(made(tmp_path / "a.parquet", None), tmp_path / "a.parquet")
    text = again(made(tmp_path / "c.csv", "ids: {type: list}"), tmp_path / "c.csv")
    assert same(stored, text)


def test_files_of_both_kinds_are_one_table(folder: Path, tmp_path: Path) -> None:
    said = OPTIONS.format(', split: ";"')
    test = {"test_path": str(folder / "c.csv")}
    both = made(folder / "a.parquet", said, **test)
    text = made(folder / "c.csv", said, **test)
    for split in ("train", "val", "test"):
        assert same(both.splits[split].inputs["row"], text.splits[split].inputs["row"])  # type: ignore
    with pytest.raises(Problem, match=r"(?s)column genres.*c.csv.*genres=\{type: list, split: "):
        made(folder / "a.parquet", None, **test)


def test_joined_files_may_hold_lists(tmp_path: Path) -> None:
    frame = rows().drop(columns=["seen", "tags"])
    items = pandas.DataFrame({"item": range(1, 41), "genre": [[i % 3, i % 5] for i in range(40)]})
    items.to_parquet(tmp_path / "items.parquet")
    text_of(items).to_csv(tmp_path / "items.csv", index=False)
    frame.to_parquet(tmp_path / "x.parquet")
    found = []
    for file in ("items.parquet", "items.csv"):
        join = {"item": str(tmp_path / file)}
        dataset = made(tmp_path / "x.parquet", "genre: {type: list}", join=join)
        found.append(again(dataset, tmp_path / "x.parquet"))
    assert same(*found)


def test_unknown_values_of_new_lists_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = rows()[["genres", "y"]]
    frame.to_parquet(tmp_path / "x.parquet")
    frame.assign(genres=[["g 1", "opera"]] * N).to_parquet(tmp_path / "new.parquet")
    dataset = made(tmp_path / "x.parquet", "genres: {type: list, max: 2}")
    with caplog.at_level(logging.WARNING):
        again(dataset, tmp_path / "new.parquet")
    assert "200 of 400 cells of column genres" in caplog.text
    assert "'opera' first" in caplog.text


REFUSED = {
    "objects": ([{"a": 1}] * 60, None, r"a list of names or whole numbers"),
    "lists of lists": ([[["a"], ["b"]]] * 60, None, r"a list of names or whole numbers"),
    "embeddings": ([[0.25, 0.5]] * 60, None, r"(?s)names or whole numbers.*type: drop.*python -c"),
    "a category": ([["a", "b"]] * 60, "type: category", r"\{type: list\}'"),
    "numbers": ([["a", "b"]] * 60, "type: number", r"\{type: list\}'"),
    "split": (
        [["a", "b"]] * 60,
        'type: list, split: ","',
        r"(?s)left out where files store lists.*'~dataset\.columns\.ids\.split'",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_list_of_categories_is_refused(what: str, tmp_path: Path) -> None:
    cells, said, message = REFUSED[what]
    pandas.DataFrame({"ids": cells, "y": [0, 1] * 30}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(Problem, match=message):
        made(tmp_path / "x.parquet", said and f"ids: {{{said}}}")


def test_lists_are_no_targets_weights_or_groups(tmp_path: Path) -> None:
    frame = rows()[["genres", "seen", "item", "y"]]
    frame.to_parquet(tmp_path / "x.parquet")
    split = DEFAULTS["split"] | {"by": "group", "column": "genres"}
    for more in (
        {"targets": {"y": "binary", "seen": "regression"}},
        {"targets": {"y": "binary", "genres": "multiclass"}},
        {"weight_column": "seen"},
        {"group_columns": ["genres"]},
        {"split": split},
    ):
        with pytest.raises(Problem, match="lists"):
            made(tmp_path / "x.parquet", None, **more)


def test_new_rows_without_lists_are_refused_or_split(tmp_path: Path) -> None:
    frame = rows()[["genres", "item", "y"]]
    frame.to_parquet(tmp_path / "x.parquet")
    dataset = made(tmp_path / "x.parquet", "item: {type: category}")
    frame.assign(item=[[1]] * N).to_parquet(tmp_path / "new.parquet")
    with pytest.raises(Problem, match=r"(?s)column item .*as those that the run was trained on"):
        again(dataset, tmp_path / "new.parquet")
    frame.assign(genres=[[0.5]] * N).to_parquet(tmp_path / "new.parquet")
    with pytest.raises(Problem, match=r"column genres .*names or whole numbers"):
        again(dataset, tmp_path / "new.parquet")


def test_a_json_column_is_lists_in_all_rows_or_in_none(tmp_path: Path) -> None:
    lines = ['{"ids": ["a"], "y": 0}', '{"ids": "b", "y": 1}'] * 20
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    with pytest.raises(Problem, match="a list in each row, or in none"):
        made(tmp_path / "x.jsonl", None)


def test_weights_are_trained_to_the_bit_and_runs_predict_alike(
    folder: Path, tmp_path: Path
) -> None:
    """Training, going on, and predictions, from lists as from text."""
    found = {}
    for file in ("a.parquet", "c.csv"):
        words = [
            "dataset=table",
            f"dataset.path={folder / file}",
            *WORDS,
            *QUICK,
            "embedding.width=4",
        ]
        words.append(f"dataset.columns={{{OPTIONS.format(split_in(file))}}}")
        run = tmp_path / file
        mtl_cli.train([f"hydra.run.dir={run}", *words, "trainer.max_epochs=1"])
        mtl_cli.train([f"resume={run}", "trainer.max_epochs=2"])
        weights = torch.load(run / "checkpoints/last.pt")["model"]
        found[file] = weights, mtl_cli.load_run(run).predict(folder / "a.parquet")
    (one, first), (other, second) = found.values()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    pandas.testing.assert_frame_equal(first, second)
