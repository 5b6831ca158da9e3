"""Files of rows are read as they were written, whole or in chunks, and broken ones named."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files import delimited
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.encoded import lines
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import place_among
from mtl_cli.dataset.files.read import READERS, find_files, read_frames, read_parts

HARD = "a,b\n\"\x85\u2028\u2029\x0b\x0c\x1c é?\t;'"  # what other readers split rows at, and more
CELLS = st.text(st.sampled_from(HARD), max_size=8)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9)


def frame_of(path, options=None, **kwargs):
    """All rows of a path as one frame, and the numbers and file names of its rows."""
    frames = list(read_frames(path, options or ReadOptions(), **kwargs))
    places = [(frame.attrs["file"], number) for frame in frames for number in frame.index]
    return pandas.concat(frames, ignore_index=True), places


def write(folder, name, content):
    path = Path(folder, name)
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def problem_of(path, options=None, **kwargs):
    with pytest.raises(Problem) as error:
        list(read_parts(path, options or ReadOptions(), **kwargs))
    return str(error.value)


def as_csv(rows, delimiter=",", header=("x", "y")):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *rows])
    return text.getvalue()


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([1, 2, 100]), st.sampled_from([",", "\t", ";"]), st.booleans())
def test_csv_keeps_every_character_of_every_cell(rows, chunk_rows, delimiter, packed):
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, "rows.csv" + ".gz" * packed, as_csv(rows, delimiter))
        options = ReadOptions(delimiter=delimiter)
        frame, places = frame_of(path, options, chunk_rows=chunk_rows)
        whole = next(read_parts(path, options)).table
    assert list(frame.itertuples(index=False, name=None)) == rows
    assert places == [(path.name, i + 1) for i in range(len(rows))]
    assert [tuple(row.values()) for row in whole.to_pylist()] == rows


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([1, 2, 100]))
def test_json_lines_and_parquet_keep_every_character_of_every_cell(rows, chunk_rows):
    with tempfile.TemporaryDirectory() as folder:
        text = "".join(json.dumps({"x": x, "y": y}, ensure_ascii=False) + "\n" for x, y in rows)
        paths = [write(folder, "rows.jsonl", text), Path(folder, "rows.parquet")]
        pandas.DataFrame(rows, columns=["x", "y"]).to_parquet(paths[1])
        for path in paths:
            frame, places = frame_of(path, chunk_rows=chunk_rows)
            assert list(frame.itertuples(index=False, name=None)) == rows
            assert places == [(path.name, i + 1) for i in range(len(rows))]


def test_rows_are_whole_across_the_blocks_of_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 200)
    rows = [(f'"{i}"\n{"x" * (i % 50)}\x85', str(i)) for i in range(300)]
    frame, places = frame_of(write(tmp_path, "a.csv", as_csv(rows)), chunk_rows=7)
    assert list(frame.itertuples(index=False, name=None)) == rows
    assert [number for _, number in places] == list(range(1, 301))


def test_lines_of_a_text_file_end_at_line_feeds_only(tmp_path):
    for name in ("a.pos", "a.pos.gz"):
        path = write(tmp_path, name, "\ufeffone\x85still\u2028one\r\ntwo\n\nfour\x0c")
        assert list(lines(path, "utf-8")) == ["one\x85still\u2028one", "two", "", "four\x0c"]


def test_types_are_inferred_from_all_cells_unless_text_is_asked_for(tmp_path):
    text = "a,b,c,d\n" + "1,1,01,x\n" * 5000 + "2.5,?,02,\n"
    path = write(tmp_path, "a.csv", text)
    table = next(read_parts(path, ReadOptions(), text=["c"])).table
    kinds = [pyarrow.float64(), pyarrow.int64(), pyarrow.string(), pyarrow.string()]
    assert table.schema.types == kinds
    assert table.column("b").null_count == 1
    assert table.column("c")[-1].as_py() == "02"


def test_cells_of_any_type_become_text(tmp_path):
    path = Path(tmp_path, "a.parquet")
    frame = pandas.DataFrame({"i": [1, 2], "f": [1.0, None], "b": [True, False]})
    frame["c"] = pandas.Categorical(["x", None])
    frame.to_parquet(path)
    read, _ = frame_of(path)
    assert read.to_dict("list") == {
        "i": ["1", "2"],
        "f": ["1", ""],
        "b": ["true", "false"],
        "c": ["x", ""],
    }
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n{"a": 1.0, "b": null}\n{"b": true}\n{"b": [1]}\n')
    read, _ = frame_of(path)
    assert read.to_dict("list") == {"a": ["1", "1", "", ""], "b": ["", "", "true", "[1]"]}


def test_an_npz_has_a_column_for_each_array_and_each_column_of_one(tmp_path):
    path = tmp_path / "a.npz"
    x = np.arange(6.0).reshape(3, 2)
    np.savez(path, X=x, income=np.array([0, 1, 1]), name=np.array(["u", "v", "w"]))
    table = next(read_parts(path, ReadOptions(), text=False)).table
    assert table.column_names == ["X_1", "X_2", "income", "name"]
    assert np.array_equal(np.stack([table["X_1"], table["X_2"]], 1), x)
    np.savez(path, X=x, income=np.array([0, 1]))
    assert "X (3, 2), income (2,)" in problem_of(path)
    np.savez(path, X=np.array([{}], dtype=object))
    assert "without Python objects" in problem_of(path)


def test_headers_and_names_of_columns(tmp_path):
    path = write(tmp_path, "a.csv", "1, 2\n3,4\n")
    rows = [[" 2", "1"], ["4", "3"]]
    for header, columns, names in [
        (False, None, ["c1", "c2"]),
        (False, ["u", "v"], ["u", "v"]),
        (True, ["u", "v"], ["u", "v"]),
        (True, None, ["1", "2"]),  # blanks around a name are no part of it
    ]:
        frame, places = frame_of(path, ReadOptions(header=header, names=columns))
        assert list(frame) == names
        assert frame[names[::-1]].to_numpy().tolist() == rows[header:]
        assert [number for _, number in places] == list(range(1, 3 - header))
    assert "each of the 2 columns" in problem_of(path, ReadOptions(names=["u"]))
    assert "a twice" in problem_of(write(tmp_path, "b.csv", "a,a\n1,2\n"))


def test_folders_and_globs_are_read_in_the_order_of_names(tmp_path):
    for name in ("b.csv", "a.csv.gz", "c.tsv", "notes.md"):
        write(tmp_path, name, "x\ty\n1\t2\n" if name == "c.tsv" else "x,y\n1,2\n3,4\n")
    _, places = frame_of(tmp_path)
    assert places == [("a.csv.gz", 1), ("a.csv.gz", 2), ("b.csv", 1), ("b.csv", 2), ("c.tsv", 1)]
    assert [path.name for path in find_files(tmp_path / "*.csv", ReadOptions())] == ["b.csv"]


def test_every_suffix_has_a_reader():
    assert {".csv", ".tsv", ".jsonl", ".parquet", ".npz"} <= set(READERS)


def test_a_missing_file_names_the_nearest(tmp_path):
    write(tmp_path, "reviews.csv", "a\n1\n")
    options = ReadOptions(slot="dataset.sources.movie")
    message = problem_of(tmp_path / "review.csv", options)
    assert f"dataset.sources.movie.path={tmp_path / 'reviews.csv'}" in message
    assert "nor its folder" in problem_of(tmp_path / "no" / "a.csv")
    (tmp_path / "empty").mkdir()
    assert "a folder without any" in problem_of(tmp_path / "empty")


def test_a_missing_column_lists_those_that_are_there_and_names_the_nearest(tmp_path):
    with pytest.raises(Problem, match=r"there: age, income\.\n  found: incom\n  try:   income "):
        check_columns(["age", "income"], ["age", "incom"], "dataset.targets")
    for name, content in [("a.csv", "age,income\n1,2\n"), ("a.jsonl", '{"age":1,"income":2}')]:
        message = problem_of(write(tmp_path, name, content), wanted=["incom"])
        assert "age, income" in message
        assert "try:   income" in message
    message = problem_of(write(tmp_path, "a.csv", "age;income\n1;2\n"), wanted=["age"])
    assert "try:   'dataset.delimiter=\";\"'" in message


def test_of_new_data_no_option_is_advised_for_there_is_none(tmp_path):
    options = ReadOptions(slot="input")
    broken = [
        ("a.csv", b"a,b\n1\n", "try:   mend the row"),
        ("b.csv", b"a,a\n1,2\n", "try:   another name for one of them"),
        ("c.csv", b'a,b\n1,"x\n2,3\n', "try:   mend the file"),
        ("d.jsonl", b"{\n", "try:   mend the row"),
        ("e.txt", b"a\tb\n\xe9\t2\n", "try:   the file in utf-8"),
    ]
    for name, content, advice in broken:
        (tmp_path / name).write_bytes(content)
        assert problem_of(tmp_path / name, options).endswith(advice)
    assert problem_of(tmp_path / "none", options).startswith("input must be a file")


@pytest.mark.parametrize("chunk_rows", [None, 2])
def test_a_broken_row_is_an_error_with_its_number(tmp_path, chunk_rows):
    path = write(tmp_path, "a.csv", 'a,b\n1,"x\ny"\n\n2,3\n4\n5,6,7\n')
    message = problem_of(path, chunk_rows=chunk_rows)
    assert message.startswith(f"row 3 of {path} must have 2 cells")
    assert "on_bad_row=skip" in message
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\n{"a": \n')
    assert problem_of(path, chunk_rows=chunk_rows).startswith(f"row 3 of {path}")
    assert "no object: '1'" in problem_of(write(tmp_path, "b.jsonl", "[1]\n"))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
def test_skipped_rows_are_counted_and_the_others_keep_their_numbers(tmp_path, name, chunk_rows):
    good = {"a.csv": "{0},{0}", "a.jsonl": '{{"a": {0}, "b": {0}}}'}[name]
    rows = [f"broken {n}" if n in (1, 4, 5, 9) else good.format(n) for n in range(1, 10)]
    path = write(tmp_path, name, "\n".join(["a,b"] * (name == "a.csv") + rows))
    options = ReadOptions(on_bad_row="skip")
    frame, places = frame_of(path, options, chunk_rows=chunk_rows)
    assert [number for _, number in places] == [2, 3, 6, 7, 8]
    assert frame["b"].tolist() == ["2", "3", "6", "7", "8"]
    assert options.skipped == 4
    options = ReadOptions(on_bad_row="skip")
    parts = list(read_parts(path, options))
    assert place_among(parts)(4) == f"row 8 of {name}"
    assert options.skipped == 4


def test_a_quote_that_never_ends_is_no_cell(tmp_path):
    path = write(tmp_path, "a.csv", 'a,b\n1,2\n3,"x\n' + "5,6\n" * 9)
    for chunk_rows in (None, 3):
        message = problem_of(path, chunk_rows=chunk_rows)
        assert "must end the quotes" in message
        assert "dataset.quote=null" in message
    frame, _ = frame_of(path, ReadOptions(quote=None))
    assert frame["b"].tolist() == ["2", '"x', *["6"] * 9]


def test_a_row_longer_than_a_block_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 2**20)
    path = write(tmp_path, "a.csv", 'a,b\n1,"' + "x\n" * 2**20)
    assert "rows of less than 1 MiB" in problem_of(path, chunk_rows=5)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl"])
@pytest.mark.parametrize("chunk_rows", [None, 2])
def test_a_wrong_encoding_names_the_byte_and_how_to_set_it(tmp_path, name, chunk_rows):
    row = '{"a": "é"}\n' if "json" in name else "é\n"
    head = "" if "json" in name else "a\n"
    content = (head + 3 * row.replace("é", "e") + row).encode("latin-1")
    path = write(tmp_path, name, content)
    for text in (True, False):
        message = problem_of(path, chunk_rows=chunk_rows, text=text)
        assert f"byte 0xe9 at position {content.index(0xE9)}" in message
        assert "dataset.encoding=cp1252" in message
    frame, _ = frame_of(path, ReadOptions(encoding="latin-1"))
    assert frame["a"].tolist() == ["e", "e", "e", "é"]


def test_the_position_counts_from_the_start_of_a_large_file(tmp_path):
    content = "a\n" + "é" * (2**20) + "\n"  # a character lies across two blocks of reading
    path = write(tmp_path, "a.csv", b"a\n\n"[:1] + content.encode()[1:] + b"\xff\n")
    assert f"position {len(content.encode())}" in problem_of(path)


def test_utf_16_is_read_where_it_is_said_and_named_where_not(tmp_path):
    path = write(tmp_path, "a.csv", "a,b\n1,é\n".encode("utf-16"))
    frame, _ = frame_of(path, ReadOptions(encoding="utf-16"))
    assert frame["b"].tolist() == ["é"]
    assert "byte 0xff at position 0" in problem_of(path)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.npz", "a.csv.gz"])
def test_a_file_that_is_none_or_empty_is_refused(tmp_path, name):
    assert "must" in problem_of(write(tmp_path, name, ""))
    cut = gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-20] if name.endswith("gz") else b"\x00\xff"
    Path(tmp_path, name).write_bytes(cut)
    assert name in problem_of(tmp_path / name)
    if name == "a.csv":
        assert "must hold rows" in problem_of(write(tmp_path, name, "a,b\n"))


def test_options_are_checked():
    for name, value in [
        ("header", "yes"),
        ("on_bad_row", "stop"),
        ("delimiter", "::"),
        ("quote", ""),
        ("encoding", "utf-9"),
    ]:
        with pytest.raises(Problem, match=rf"dataset\.{name}"):
            ReadOptions(**{name: value})


def test_a_frame_knows_where_its_rows_are_from(tmp_path):
    frames = list(
        read_frames(write(tmp_path, "a.csv", "a\n1\n2\n3\n"), ReadOptions(), chunk_rows=2)
    )
    first = [(frame.index[0], frame.attrs["file"]) for frame in frames]
    assert first == [(1, "a.csv"), (3, "a.csv")]


def test_the_encodings_of_spreadsheets_are_offered_and_read_what_they_wrote(tmp_path):
    for encoding in ("cp1252", "utf-16"):
        path = write(tmp_path, "a.csv", "Kosten €\n1 €\n".encode(encoding))
        assert f"dataset.encoding={encoding} " in problem_of(path)
        frame, _ = frame_of(path, ReadOptions(encoding=encoding))
        assert frame["Kosten €"].tolist() == ["1 €"]
