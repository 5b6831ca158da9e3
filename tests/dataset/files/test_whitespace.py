"""Columns apart by blanks and tabs, and what names of columns say of how a file is to be read."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.delimiter import delimiter_of
from mtl_cli.dataset.files.misread import how_to_read
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.read import read_frames, read_parts

BARE = st.text(st.sampled_from("ab,;é'\x85\u20287.-"), min_size=1, max_size=5)
QUOTED = st.text(st.sampled_from("a \t,é"), max_size=5)
CELLS = st.one_of(BARE.map(lambda x: (x, x)), QUOTED.map(lambda x: (x, f'"{x}"')))
GAPS = st.text(st.sampled_from(" \t"), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6),
    st.data(),
    st.sampled_from([1, 100]),
)
def test_however_many_blanks_stand_between_cells_they_part_them(rows, data, chunk_rows):
    lines = ["  x \ty"]
    for (_, first), (_, second) in rows:
        gap, after = data.draw(GAPS), data.draw(st.sampled_from(["", " ", "\t\r"]))
        lines.append(f"{data.draw(st.sampled_from(['', '   ']))}{first}{gap}{second}{after}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.data")
        path.write_text("\n\n".join(lines), encoding="utf-8", newline="")
        options = ReadOptions(delimiter="whitespace")
        frames = list(read_frames(path, options, chunk_rows=chunk_rows))
    read = [tuple(row) for frame in frames for row in frame.itertuples(index=False)]
    assert read == [(first[0], second[0]) for first, second in rows]


def test_a_broken_row_of_such_a_file_has_its_number_in_another_encoding_too(tmp_path):
    path = tmp_path / "a.data"
    path.write_text("x   y\n1  é\n\n  2 \n3 4 5\n", encoding="latin-1")
    with pytest.raises(Problem, match=f"row 2 of {path} must have 2 cells"):
        list(read_parts(path, ReadOptions(delimiter="whitespace", encoding="latin-1")))
    options = ReadOptions(delimiter="whitespace", encoding="latin-1", on_bad_row="skip")
    (frame,) = read_frames(path, options)
    assert frame.values.tolist() == [["1", "é"]]


def test_a_tab_is_written_as_shells_and_yaml_have_it_and_t_is_none():
    assert {delimiter_of(said, "d") for said in ("\\t", "\t", json.loads('"\\t"'))} == {"\t"}
    assert [delimiter_of(said, "d") for said in (None, "whitespace", " ")] == [
        None,
        "whitespace",
        " ",
    ]
    for wrong, fix in [("t", r"'d=\\t'"), ("  ", "d=whitespace"), ("", r"'d=\\t'"), (1, r"\\t")]:
        with pytest.raises(Problem, match=f"try:   .*{fix}"):
            delimiter_of(wrong, "d")


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        (["x1\tx2"], r"'d.delimiter=\t'"),
        (["x1 ; x2"], "'d.delimiter=\";\"'"),
        (["x1   x2"], "d.delimiter=whitespace"),
        (["0.13", "-0.44", "M"], "d.header=false 'd.names=[c1,c2,c3]'"),
        (["5", "0", "0", "b"], "d.header=false"),
        ([str(i % 7) for i in range(99)], "d.header=false, which calls the columns c1 to c99"),
        (["country", "1960", "1961", "1962"], None),
        (["x", "y", "3"], None),
    ],
)
def test_names_tell_of_the_option_that_reads_them(columns, word):
    read = how_to_read(columns, "d")
    assert read is None if word is None else read.startswith(word)
    new = how_to_read(columns, "input")
    assert (new is None) == (word is None)
    assert new is None or "training data" in new
