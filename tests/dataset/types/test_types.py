"""Types of columns: each is learned from train alone, reads new rows alike, and is plain data."""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.digest import digest_of
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset import types
from mtl_cli.dataset.columns.column import Written
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.tables.inference import Inference
from mtl_cli.dataset.tables.types import check_said, column_of, column_state, known_types

CELLS = {"number": ["1", "2.5", None, "4", "7"], "category": ["a", "b", "?", "a", "c"]}
CELLS["date"] = ["2021-03-04", "2021-03-05 18:00", None, "2021-03-11 06:00:00", "2022-01-01"]
CELLS["id"] = ["007", "8", "a", None, "b"]
PLAIN = {"decimal": ".", "thousands": None}
CELLS["list"] = ["a|b", "b", None, "a|c", "c|"]
CODED = {"min_count": 1, "max_vocabulary": 9, "hash": None, "vocabulary_of": None, "width": None}
LISTED = {"split": "|", "pool": "mean", "max": None, **CODED}
OPTIONS = {"number": PLAIN, "category": CODED, "id": {}, "date": {"date_format": None}}
OPTIONS["list"] = LISTED

# A type of one's own: the share of each letter is no category, and no number.
LENGTH = """
from dataclasses import dataclass

import numpy as np

from mtl_cli.dataset.columns.column import Column, Learned


@dataclass(frozen=True)
class Length(Column):
    name: str
    unit: float

    @classmethod
    def learn(cls, written, unit):
        column = cls(written.name, unit)
        return Learned(0, "lengths", column, column.codes(written.cells, written.place))

    @property
    def num_numbers(self):
        return 1

    def codes(self, cells, place):
        return [np.array([len(cell or "") / self.unit for cell in cells.to_pylist()])]

    def plain(self, values):
        return values
"""


def place(i):
    return f"row {i + 1} of a.csv"


def written(cells, train=(0, 1, 2, 3), said=True):
    array = pyarrow.chunked_array([pyarrow.array(cells)])
    return Written("c", array, place, np.array(train), said)


def plain(codes: np.ndarray | Bag) -> torch.Tensor | Bag:
    return codes if isinstance(codes, Bag) else torch.from_numpy(codes.astype(float))


def test_all_types_are_found():
    assert list(known_types()) == [
        *("category", "date", "drop", "id", "image", "list", "number", "subwords", "text")
    ]


@pytest.mark.parametrize("name", list(CELLS))
def test_a_column_reads_new_rows_as_those_that_it_was_learned_from(name):
    found = known_types()[name].learn(written(CELLS[name]), **OPTIONS[name])
    state = column_state(found.column)
    again = column_of(json.loads(json.dumps(state)))
    assert again == found.column
    for one, other in zip(again.codes(written(CELLS[name]).cells, place), found.codes, strict=True):
        assert digest_of({"": plain(one)}) == digest_of({"": plain(other)})
    assert len(found.codes) == found.column.num_numbers + len(found.column.sizes)


def test_numbers_are_learned_from_train_and_plain_ones_are_missing_again():
    found = known_types()["number"].learn(written(CELLS["number"]), **PLAIN)
    values = np.array([1, 2.5, 4])
    scaled = (np.array([1, 2.5, np.nan, 4, 7]) - values.mean()) / values.std()
    assert np.allclose(found.codes[0], np.nan_to_num(scaled))
    plain = found.column.plain(np.column_stack(found.codes))
    assert np.allclose(plain[:, 0], scaled, equal_nan=True)


def test_categories_are_learned_from_train_and_plain_ones_are_missing_again():
    found = known_types()["category"].learn(written(CELLS["category"]), **CODED)
    assert found.column.values == ["a", "b"]
    assert found.codes[0].tolist() == [1, 2, 0, 1, 0]
    assert found.column.sizes == (3,)
    plain = found.column.plain(np.array([[1.0], [0.0]]))
    assert np.array_equal(plain, [[1], [np.nan]], equal_nan=True)


def test_a_new_type_is_one_class_in_one_file(tmp_path, monkeypatch):
    (tmp_path / "length.py").write_text(LENGTH)
    monkeypatch.setattr(types, "__path__", [*types.__path__, str(tmp_path)])
    known_types.cache_clear()
    try:
        assert "length" in known_types()
        said = {"c": {"type": "length", "unit": 2}}
        check_said(said)
        with pytest.raises(Problem, match="a length has type, unit"):
            check_said({"c": {"type": "length", "units": 2}})
        cells = written(["aa", "bbbb", None])
        inferred = Inference(place, np.arange(3), said, CODED | {"min_count": 2})
        inferred.learn({"c": cells.cells})
        reader = TableReader(inferred.learned, OF_FILES, {}, None, {}, PLAIN)
        reader = TableReader.from_state(json.loads(json.dumps(reader.state())))
        rows = reader.parts.examples(3, [reader.columns[0].codes(cells.cells, place)])
        assert rows.tolist() == [[1.0], [2.0], [0.0]]
        assert inferred.lines()[1].split() == ["c", "length", "0", "lengths"]
        with pytest.raises(Problem, match="must say the unit of its type"):
            Inference(place, np.arange(3), {"c": {"type": "length"}}, {}).learn({"c": cells.cells})
    finally:
        known_types.cache_clear()
        sys.modules.pop("mtl_cli.dataset.types.length", None)


OF_FILES = dict.fromkeys(["delimiter", "header", "names", "encoding", "quote", "on_bad_row"])


def test_nothing_else_names_a_type():
    """No other file of the package imports a type, so a new one is a file and no more."""
    package = Path(types.__file__).parents[2]
    texts = [p.read_text(encoding="utf-8") for p in package.rglob("*.py")]
    assert not [text for text in texts if "dataset.types." in text]


def test_dates_are_days_weekday_and_hour():
    """Held against the standard library's calendar."""
    cells = CELLS["date"]
    found = known_types()["date"].learn(written(cells), None)
    there = {i: datetime.fromisoformat(cell) for i, cell in enumerate(cells) if cell}
    days = {i: (t - datetime(1970, 1, 1)) / timedelta(1) for i, t in there.items()}
    own = np.array([days[i] for i in (0, 1, 3)])  # train's
    expected = np.zeros((5, 6))
    expected[2, 5] = 1
    for i, t in there.items():
        weekday, hour = (2 * np.pi * x for x in (t.weekday() / 7, t.hour / 24))
        waves = [np.sin(weekday), np.cos(weekday), np.sin(hour), np.cos(hour), 0]
        expected[i] = [(days[i] - own.mean()) / own.std(), *waves]
    assert np.allclose(np.column_stack(found.codes), expected, atol=1e-9)
    assert found.about == "2021-03-04 to 2021-03-11: days, weekday, hour, flagged where missing"
    plain = found.column.plain(np.column_stack(found.codes))
    assert np.isnan(plain[2]).all()
    assert np.allclose(plain[[0, 1, 3, 4]], expected[[0, 1, 3, 4], :5], atol=1e-9)


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2021-03-04", "2021-03-05"], [None]),
        (["2021-03-04 08:15:00", "2021-03-05 09:00:00"], [None]),
        (["31.12.2021", "01.02.2022"], ["%d.%m.%Y"]),
        (["12/31/2021 08:15", "2/1/2022 09:00"], ["%m/%d/%Y %H:%M"]),
        (["1/2/2021", "2/1/2022"], ["%m/%d/%Y", "%d/%m/%Y"]),
        (["1.2.3", "4.5.6"], []),
        (["2021-03-04", "none"], []),
    ],
)
def test_dates_are_said_to_be_with_the_words_that_read_them(cells, formats):
    cells = cells * 2
    about = known_types()["category"].learn(written(cells, said=False), **CODED).about
    options = ["" if own is None else f', date_format: "{own}"' for own in formats]
    words = " or ".join(f"'dataset.columns.c={{type: date{own}}}'" for own in options)
    assert (words in about) if formats else ("date" not in about)
    for own in formats:
        assert known_types()["date"].learn(written(cells), own).column is not None
    with pytest.raises(Problem, match=r"must hold dates such as .*\n.*'none' in row 1 of a\.csv"):
        known_types()["date"].learn(written(["none", *cells]), (formats or [None])[0])
