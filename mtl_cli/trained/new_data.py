"""New data on its way through a model: checked where it comes in, columns where it goes out."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.shell import as_word
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.trained.predictions import Columns, array

if TYPE_CHECKING:
    import pandas


def check_path(path: Path, input: str) -> None:
    """Refuses a path where nothing is, and names what it was most likely meant to be."""
    if not is_held(path) and not path.exists() and not glob.glob(str(path), recursive=True):
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, there)
        fix = as_word("input", path.parent / close) if close else "a path that is there"
        found = f"no {path}" if there else f"no {path}, nor its folder"
        raise problem(f"input {input!r}", "must be a file, a folder or a glob", found, fix)


def is_rows(source: Any) -> bool:
    """Whether it has the columns of a file: a data frame, Arrow's table, or a list of rows."""
    return hasattr(source, "columns") or (isinstance(source, list) and bool(source))


def rows_of(source: Any) -> Any:
    """Such rows, by columns."""
    import pandas

    return pandas.DataFrame(source) if isinstance(source, list) else source


def as_arrays(part: NewExamples) -> Columns:
    return [(column, array(values)) for column, values in part.names.items()]


def leading(part: NewExamples, input: str) -> Columns:
    """The columns that stand before the predictions where there are several inputs."""
    import pyarrow

    names, size = dict(as_arrays(part)), len(part)
    file = names.get("file", pyarrow.nulls(size)).cast(pyarrow.string())
    row = names.get("row", pyarrow.nulls(size)).cast(pyarrow.int64())
    return [("input", array([input] * size)), ("file", file), ("row", row)]


def frame_of(columns: Columns) -> pandas.DataFrame:
    import pyarrow

    names, arrays = zip(*columns, strict=True)
    return pyarrow.Table.from_arrays(list(arrays), names=list(names)).to_pandas()


def check_examples(like: Examples, given: Examples, input: str) -> None:
    """Refuses examples of another kind or shape than the model reads."""

    def words(x: Examples) -> str:
        return f"[B, {', '.join(map(str, x.shape[1:]))}]" if isinstance(x, Tensor) else "a Bag"

    if words(like) != words(given):
        rule = f"must be {words(like)}"
        raise problem(f"data of input {input!r}", rule, words(given), "the examples in that shape")
