"""Reads new rows of numbers: each input is some columns of a file, each label a column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part
from mtl_cli.dataset.files.read import CHUNK_ROWS, read_parts
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.disk.kinds import misfit


class NumberReader(Reader):
    """CSV, TSV, JSON Lines, Parquet or ``.npz`` files with a column for each number of an input.

    A label stands in a column that is called as its task; where it is missing, the cell is empty.

    Args:
        columns: ``{input: the columns that it is made of}``.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self.columns = {input: list(names) for input, names in columns.items()}
        self.inputs = {input: Dense((len(names),)) for input, names in self.columns.items()}

    def state(self) -> dict[str, Any]:
        return {"columns": self.columns}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> NumberReader:
        if wrong := misfit(state, {"columns": {str: [str]}}):
            fix = "another run, or train again"
            raise problem("reader.json: state", "must name columns by input", wrong, fix)
        return cls(state["columns"])

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        import pyarrow

        names = self.columns[input]
        wanted = list(dict.fromkeys([*names, *tasks]))
        for part in read_parts(path, ReadOptions("input"), wanted, CHUNK_ROWS, text=False):
            x = torch.from_numpy(np.stack([numbers(part, name) for name in names], 1))
            targets = {task: torch.from_numpy(numbers(part, task, may_miss=True)) for task in tasks}
            file = pyarrow.repeat(part.file.name, len(part.table))
            rows = {"file": file, "row": np.array(part.numbers())}
            yield NewExamples(rows, {input: x}, targets)


def numbers(part: Part, name: str, may_miss: bool = False) -> np.ndarray:
    """A column as floats [B]; a missing number is NaN.

    Raises:
        ValueError: where a cell is no finite number, or is missing and may not be.
    """
    import pyarrow
    from pyarrow import compute

    cells = part.table.column(name)
    try:
        values = compute.cast(cells, pyarrow.float64()).to_numpy().astype(np.float32)
    except pyarrow.ArrowInvalid as error:
        rule = "must hold numbers"
        raise problem(f"column {name} of {part.file}", rule, str(error), "mend it") from error
    wrong = np.isinf(values) if may_miss else ~np.isfinite(values)
    if wrong.any():
        first = int(wrong.argmax())
        cell = cells[first].as_py()
        found = "nothing" if cell is None else repr(cell)
        found += f" in row {part.numbers()[first]} ({int(wrong.sum())} rows like it)"
        thing = f"column {name} of {part.file}"
        raise problem(thing, "must hold a number in every row", found, "leave such rows out")
    return values
