"""New data on its way through a model: checked where it comes in, columns where it goes out."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Examples, Fields, Joint
from mtl_cli.basis.errors import Problem, nearest, problem
from mtl_cli.basis.shell import as_word
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.dataset.readers.pictures import PictureReader
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.trained.predictions import Columns, array

if TYPE_CHECKING:
    import pandas


MANY = 50  # names of columns in a message


def check_path(path: Path, key: str) -> None:
    """Refuses a path where nothing is, and names what it was most likely meant to be.

    Args:
        path: of new data.
        key: what gives it on a command line.
    """
    if not is_held(path) and not path.exists() and not glob.glob(str(path), recursive=True):
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, there)
        fix = as_word(key, path.parent / close) if close else "a path that is there"
        found = f"no {path}" if there else f"no {path}, nor its folder"
        raise problem(key, "must be a file, a folder or a glob", found, fix)


def rows_in(given: Mapping[str, Any], reader: Reader | None) -> dict[str, Any]:
    """The inputs that are given as rows with the columns of a file: a data frame, Arrow's table,
    or a list of rows, or of texts; by columns."""
    return {
        name: frame_of_list(source, reader, name) if isinstance(source, list) else source
        for name, source in given.items()
        if hasattr(source, "columns") or (isinstance(source, list) and source)
    }


def frame_of_list(rows: list[Any], reader: Reader | None, input: str) -> pandas.DataFrame:
    """A list of rows by columns; of texts, where these are all that an example is.

    Raises:
        ValueError: where they are texts, and an example is more, or something else.
    """
    import pandas

    columns = reader.text_columns(input) if reader is not None else []
    plain = all(isinstance(row, str | None) for row in rows)
    if plain and len(columns) != 1:
        raise no_rows(rows, reader, columns, input)
    pairs = len(columns) > 1 and all(isinstance(row, list | tuple) for row in rows)
    return pandas.DataFrame(rows, columns=columns if plain or pairs else None)


def no_rows(texts: list[Any], reader: Reader | None, columns: list[str], input: str) -> Problem:
    """Of a list of texts, in the place of rows."""
    if isinstance(reader, TableReader):
        columns = [column.name for column in reader.columns if not column.is_shown]
    rule = "must be a path, a pandas.DataFrame, or the examples as the model reads them"
    fix = "a path: of a folder, or a glob, for many files"
    if columns:
        rule = f"must be rows with the columns that the model reads: {', '.join(columns[:MANY])}"
        few = ", ".join(f"{column!r}: [...]" for column in columns[:MANY])
        fix = f"pandas.DataFrame({{{few}}})"
    return problem(f"data of input {input!r}", rule, f"a list of texts, as {texts[0]!r:.40}", fix)


def without_file(parts: Iterable[NewExamples]) -> Iterator[NewExamples]:
    """Examples of rows that Python holds, which are of no file."""
    for part in parts:
        yield replace(part, names={key: own for key, own in part.names.items() if key != "file"})


def as_examples(source: Any, reader: Reader | None, input: str) -> NewExamples:
    """The examples as the model reads them: a tensor, a bag, or an array of numbers, which are
    pictures [N, H, W, 3] where the model reads those.

    Raises:
        ValueError: where they are no such examples, or an array is for a model of a table, whose
            cells are no such numbers before they are standardised.
    """
    if isinstance(source, Tensor | Bag | Fields | Joint):
        return NewExamples({}, {input: source})
    if not isinstance(source, np.ndarray):
        raise no_examples(source, input)
    thing = f"data of input {input!r}"
    if isinstance(reader, TableReader):
        columns = [column.name for column in reader.columns]
        rule = f"must have the columns of the run's table by name: {', '.join(columns[:MANY])}"
        fix = f"pandas.DataFrame(array, columns={columns[:MANY]})"
        raise problem(thing, rule, f"an array of shape {source.shape}", fix)
    if source.dtype.kind not in "biuf":
        found = f"an array of {source.dtype}"
        raise problem(thing, "must be numbers", found, "array.astype(float)")
    if isinstance(reader, PictureReader):
        return reader.examples(list(source), input)
    x = torch.as_tensor(source, dtype=torch.get_default_dtype())
    return NewExamples({}, {input: x})


def no_examples(source: Any, input: str) -> Problem:
    """Of what is neither rows nor examples; a series is a row, or a column."""
    rule = "must be a path, a pandas.DataFrame, or the examples as the model reads them"
    fix = "a path"
    if hasattr(source, "to_frame"):
        fix = "data.to_frame().T, where it is one row, or data.to_frame(), where it is a column"
    return problem(f"data of input {input!r}", rule, type(source).__name__, fix)


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
        if isinstance(x, Fields):
            counts = (x.numbers.shape[1], x.codes.shape[1], len(x.lists))
            return "Fields of {} numbers, {} codes, {} lists".format(*counts)
        if isinstance(x, Joint):
            return ", ".join(f"{name}: {words(own)}" for name, own in x.parts.items())
        return f"[B, {', '.join(map(str, x.shape[1:]))}]" if isinstance(x, Tensor) else "a Bag"

    if words(like) != words(given):
        rule = f"must be {words(like)}"
        raise problem(f"data of input {input!r}", rule, words(given), "the examples in that shape")
