"""Text tables: aligned columns, honest gaps."""

import re

import pytest

from mtl_cli.comparison.table import Grid, fitted_table, text_table


def test_words_stand_left_and_numbers_right() -> None:
    table = text_table(["task", "value"], [["a", 1.0], ["longer", None], ["b", 12.34567]])
    assert table.splitlines() == [
        "task      value",
        "------  -------",
        "a        1.0000",
        "longer        –",
        "b       12.3457",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert text_table(["a", "bc"], []).splitlines() == ["a  bc", "-  --"]


ROWS = [["a long name of a setting that goes on", "1.25", "x"], ["b", "–", "12,000"]]


@pytest.mark.parametrize("width", [30, 44, 60, 100])
def test_a_fitted_table_is_not_wider_than_it_may_be_and_loses_nothing(width: int) -> None:
    text = fitted_table(["setting", "figure", "count"], ROWS, width)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    for cell in (cell for row in ROWS for cell in row):
        assert all(word in words for word in cell.split())
    assert next(line for line in text.splitlines() if "1.25" in line).startswith("a long")


def test_numbers_in_texts_stand_right() -> None:
    lines = fitted_table(["s", "number"], [["a", "1.25"], ["b", "+10.5"]], 100).splitlines()
    assert lines[2:] == ["a    1.25", "b   +10.5"]


def test_markdown_and_latex_have_all_cells_and_escape_what_they_read_as_their_own() -> None:
    grid = Grid("50 % & more", ["a|b", "c_d ↓"], [["x|y", "1 ± 2"], ["~z", "–"]])
    lines = grid.markdown().splitlines()
    assert lines[0] == "**50 % & more**"
    assert lines[2:] == ["| a\\|b | c_d ↓ |", "| --- | --- |", "| x\\|y | 1 ± 2 |", "| ~z | – |"]
    latex = grid.latex()
    assert r"\caption{50 \% \& more}" in latex
    assert r"a|b & c\_d $\downarrow$ \\" in latex
    assert r"x|y & 1 $\pm$ 2 \\" in latex
    assert r"\textasciitilde{}z & -- \\" in latex
    assert latex.count(r"\\") == 3


@pytest.mark.parametrize(
    "name", ["a_b", "50%", "&", "#1", "$x$", "{", "}", "~", "^", "\\", "[a]", "*"]
)
def test_latex_is_balanced_whatever_names_there_are(name: str) -> None:
    """Read as TeX does: a backslash takes what follows it; no special character is left bare."""
    text = Grid(name, [name, "n"], [[name, "1"]], frozenset({(0, 1)}), "Bold: the best.").latex("x")
    bare = re.sub(r"\\([A-Za-z]+|.)", "", text.replace("$\\pm$", ""))
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert not set(bare) & set("%#$_~^")
    assert all(line.count("&") == 1 for line in bare.splitlines() if "&" in line)
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1] == ["table", "adjustbox", "tabular"]
    assert text.index("\\centering") < text.index("\\caption") < text.index("\\label{tab:x}")
    assert "\\textbf{1}" in text
    assert "Bold: the best." in text
    assert not re.search(r"\\\\\s*[\[*]", text)  # an option of the line that ends there


def test_names_of_columns_are_in_lines_where_all_columns_fit_then() -> None:
    header = ["", "arch=mmoe encoder.hidden=[128,128]", "a_long_task/accuracy ↑"]
    rows = [["x", "0.8500 ± 0.0250", "1"], ["y", "1.5", "–"]]
    narrow = fitted_table(header, rows, 45).splitlines()
    assert [line.split() for line in narrow[:4]] == [
        ["arch=mmoe", "a_long_task/"],
        ["encoder.hidden=", "accuracy", "↑"],
        ["[128,128]"],
        ["-", "-" * 15, "-" * 12],
    ]
    wide = fitted_table(header, rows, 90).splitlines()
    assert wide[1].split() == ["encoder.hidden=[128,128]"]
    assert wide[0].split() == ["arch=mmoe", "a_long_task/accuracy", "↑"]
