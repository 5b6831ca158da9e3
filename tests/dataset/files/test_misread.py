"""A file that is read by the wrong option is told which one reads it."""

import codecs

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.read import read_frames

GERMAN = "Größe;Hämoglobin;ja\n1,5;13,2;0\n2,5;14,0;1\n"


def rows(path, **options):
    frames = list(read_frames(path, ReadOptions(**options)))
    return [list(frame.columns) for frame in frames], sum(map(len, frames))


@pytest.mark.parametrize("mark", [";", "|", "\t"])
def test_rows_that_another_delimiter_takes_apart_are_told_which(mark, tmp_path):
    """Decimal commas in them make cells of their own; the header has none."""
    path = tmp_path / "rows.csv"
    path.write_text(GERMAN.replace(";", mark), encoding="utf-8")
    with pytest.raises(Problem, match="must have 1 cells") as error:
        rows(path)
    word = error.value.fix.partition(", which")[0].strip("'").replace('"', "")
    assert word == "dataset.delimiter=" + mark.replace("\t", "\\t")
    assert rows(path, delimiter=mark) == ([["Größe", "Hämoglobin", "ja"]], 2)


@pytest.mark.parametrize("said", ["cp1252", "latin-1", "utf-8", "UTF8"])
def test_the_mark_of_utf_8_says_more_than_the_option(said, tmp_path):
    """Excel saves one file as cp1252 and the next as UTF-8, which then begins with the mark."""
    path = tmp_path / "rows.csv"
    path.write_bytes(codecs.BOM_UTF8 + GERMAN.encode())
    assert rows(path, delimiter=";", encoding=said)[0] == [["Größe", "Hämoglobin", "ja"]]


@pytest.mark.parametrize("said", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    ("slot", "says"), [("dataset", "dataset.encoding=utf-8"), ("input", "it is in utf-8")]
)
def test_names_that_were_decoded_wrongly_are_told_of(said, slot, says, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(GERMAN, encoding="utf-8")
    options = ReadOptions(slot=slot, delimiter=";", encoding=said)
    with pytest.raises(Problem, match="must name columns that are there") as error:
        list(read_frames(path, options, wanted=["Hämoglobin"]))
    assert says in error.value.fix
