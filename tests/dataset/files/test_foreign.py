"""Files of other programs are named, and the command that is offered makes a file that is read."""

import bz2
import json
import lzma
import pickle
import shlex
import subprocess
import sys

import numpy as np
import pandas
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.columns.writing import PLAIN
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.read import find_files, read_frames, read_parts
from mtl_cli.dataset.tables.read import read_tables

FRAME = pandas.DataFrame({"x": [0.5, -1.0, 2.0], "ill": ["yes", "no", "yes"]})
NUMBERS = FRAME[["x"]]
CSV = FRAME.to_csv(index=False).encode()
WRITERS = {
    "a.pkl": lambda p: p.write_bytes(pickle.dumps(FRAME)),
    "b.feather": lambda p: FRAME.to_feather(p),
    "c.dta": lambda p: FRAME.to_stata(p, write_index=False),
    "d.npy": lambda p: np.save(p, NUMBERS.to_numpy()),
    "e.csv.xz": lambda p: p.write_bytes(lzma.compress(CSV)),
    "f.csv.bz2": lambda p: p.write_bytes(bz2.compress(CSV)),
    "g.json": lambda p: FRAME.to_json(p),
    "h.csv": lambda p: p.write_bytes(pickle.dumps(FRAME)),  # by its first bytes
    "i [1]'s.pkl": lambda p: FRAME.to_pickle(p),
}


def refusal(path, slot="dataset"):
    with pytest.raises(Problem) as error:
        list(read_parts(path, ReadOptions(slot)))
    message = str(error.value)
    return message.partition("try:   ")[2], message


@pytest.fixture
def in_process(monkeypatch):
    """Runs what a shell would, in this process: Python's start is not what is tested."""

    def run(command):
        words = shlex.split(command)
        assert words[:2] == ["python", "-c"]
        exec(words[2], {})
        return words[3:]

    return run


@pytest.mark.parametrize("name", WRITERS)
def test_the_command_that_is_offered_makes_a_file_of_the_same_rows(tmp_path, name, in_process):
    path = tmp_path / name
    WRITERS[name](path)
    fix, message = refusal(path)
    assert "must be a file of rows: CSV, TSV, JSON Lines, Parquet or NumPy's .npz" in message
    assert str(path) in message
    (then, word) = in_process(fix.replace(", then", " then"))
    key, _, made = word.partition("=")
    assert (then, key) == ("then", "dataset.path")
    (frame,) = read_frames(made.strip('"'), ReadOptions())
    assert frame["0" if name == "d.npy" else "x"].astype(float).tolist() == [0.5, -1.0, 2.0]


def test_a_shell_runs_the_command_as_it_stands(tmp_path):
    FRAME.to_pickle(path := tmp_path / "it's (1).pkl")
    command = refusal(path, "input")[0].partition(", then ")[0]
    command = command.replace("python", shlex.quote(sys.executable), 1)
    subprocess.run(["bash", "-c", command], check=True)
    assert len(next(read_parts(tmp_path / "it's (1).csv", ReadOptions())).table) == 3


def test_what_cannot_be_made_here_is_named_too(tmp_path):
    for name, content, words in [
        ("a.xlsx", b"PK\x03\x04", "pandas.read_excel("),
        ("a.csv", b"PK\x03\x04", "an archive (or an .xlsx)"),
        ("b.csv", b" \n<!DOCTYPE html><html>", "a web page"),
        ("c.sqlite", b"SQLite format 3\0", "sqlite3.connect("),
        ("d.csv", b"PAR1\x15", "mv "),
        ("e.dat", b"\x1f\x8b\x08", ".dat.gz"),
    ]:
        (tmp_path / name).write_bytes(content)
        assert words in refusal(tmp_path / name)[1]
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xlsx").write_bytes(b"PK")
    assert "read_excel" in refusal(folder)[0]
    (folder / "b.csv").write_text("PAR1,ORC\n1,2\n")  # no format, but names
    assert [file.name for file in find_files(folder, ReadOptions())] == ["b.csv"]
    assert len(next(read_parts(folder, ReadOptions())).table) == 1


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_of_objects_is_rows(tmp_path, indent):
    rows = [{"a": 1, "b": "é"}, {"a": None}, {"b": "x\ny", "c": True}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows, indent=indent), encoding="utf-8")
    (frame,) = read_frames(path, ReadOptions())
    assert frame.to_dict("list") == {
        "a": ["1", "", ""],
        "b": ["é", "", "x\ny"],
        "c": ["", "", "true"],
    }
    path.write_text(json.dumps([rows[0], 3, rows[1]], indent=indent))
    assert refusal(path)[1].startswith(f"row 2 of {path} must be a JSON object")
    options = ReadOptions(on_bad_row="skip")
    parts = list(read_parts(path, options))
    assert [n for part in parts for n in part.numbers()] == [1, 3]
    assert options.skipped == 1


def test_lists_and_objects_are_named_and_become_columns(tmp_path, in_process):
    rows = pandas.DataFrame({"y": [1.0, 2.0], "emb": [[0.5, 1.5], [2.5, 3.5]]})
    rows.to_parquet(tmp_path / "a.parquet")
    rows.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for name, wide in [("a.parquet", "a_wide.parquet"), ("a.jsonl", "a_wide.jsonl")]:
        paths = [str(tmp_path / name)]
        with pytest.raises(Problem, match=r"column emb of .* must hold one value a row") as error:
            read_tables(paths, ReadOptions(), [], PLAIN, [])
        read_tables(paths, ReadOptions(), [], PLAIN, ["emb"])
        in_process(str(error.value).partition("each value: ")[2])
        table = next(read_parts(tmp_path / wide, ReadOptions(), text=False)).table
        assert table.to_pydict() == {"y": [1.0, 2.0], "emb_0": [0.5, 2.5], "emb_1": [1.5, 3.5]}
