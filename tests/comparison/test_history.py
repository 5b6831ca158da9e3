"""``metrics.csv``: what is in it is read, and a damaged row is named."""

from pathlib import Path

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.history import read_history

HEADER = "epoch,step,split,task,metric,value"


def written(folder: Path, *rows: str) -> Path:
    path = folder / "metrics.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_epoch_rows_are_read_and_totals_and_steps_are_not(tmp_path: Path) -> None:
    rows = ["1,5,train,a,loss,0.5", "1,5,train,,loss,0.7", "1,3,step,a,loss,9", "1,5,val,a,f1,nan"]
    curves = read_history(written(tmp_path, *rows, '2,10,train,"a,b",loss,0.25'))
    assert curves["a"]["loss"] == {"train": [(1, 0.5)]}
    assert curves["a,b"]["loss"] == {"train": [(2, 0.25)]}
    assert str(curves["a"]["f1"]) == "{'val': [(1, nan)]}"


@pytest.mark.parametrize(
    "row",
    [
        "1,5,train,a,loss",
        "1,5,train,a,loss,0.5,1",
        "x,5,train,a,loss,0.5",
        "1,5,train,a,loss,0.5\0",
        "1,5,tra",
        "1,5,trian,a,loss,0.5",
        "1,5,train,a,loss,",
        "",
        "1,5,train,a,loss,0.\u00b5",
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, row: str) -> None:
    path = written(tmp_path, "1,5,train,a,loss,0.5", row, "2,10,train,a,loss,0.25")
    with pytest.raises(Problem, match=r"metrics.csv, line 3 must be epoch,step"):
        read_history(path)


def test_a_file_without_its_header_is_refused(tmp_path: Path) -> None:
    for text in ("", "epoch,value\n1,2\n"):
        (tmp_path / "metrics.csv").write_text(text)
        with pytest.raises(Problem, match="line 1"):
            read_history(tmp_path / "metrics.csv")
