"""Rows of a table: a program is given numbers as they are, and the codes of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.coded import Coded
from mtl_cli.dataset.columns.column import Column
from mtl_cli.dataset.columns.measured import Measured
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.tables.types import name_of
from mtl_cli.exported.entry import BATCH, Entry, Given
from mtl_cli.exported.rows import fields
from mtl_cli.exported.words import NONE, rows_of

if TYPE_CHECKING:
    import pyarrow

NUMBERS, CODES = "numbers", "codes"


class Cells(Entry):
    """Scales of numbers, parts of dates and weights of lists are inside; a category or a value of a
    list is looked up before, by what is said of its column.

    Args:
        columns: as the reader of the run's table has them, in its order.
        joined: ``{column: the file that it comes from}``, where that is another than the rows'.

    Raises:
        ValueError: where a column is of a type that is neither numbers nor codes.
    """

    def __init__(self, columns: Sequence[Column], joined: Mapping[str, str]) -> None:
        used = [column for column in columns if column.num_numbers or column.sizes]
        self.measured = [column for column in used if isinstance(column, Measured)]
        coded = [column for column in used if isinstance(column, Coded)]
        self.coded = [column for column in coded if not column.is_list]
        self.lists = [column for column in coded if column.is_list]
        if others := [own for own in used if not isinstance(own, Measured | Coded)]:
            kind = type(others[0])
            rule = "must be numbers (Measured) or codes (Coded), for a program to read it"
            fix = f"a class {kind.__name__} that is one of these, or a run without the column"
            raise problem(f"column {others[0].name}", rule, f"a {kind.__name__}", fix)
        self.joined = dict(joined)
        tensors = []
        if self.measured:
            said = "the cells of columns that are numbers; NaN where one is missing"
            shape = (BATCH, len(self.measured))
            example = [number_in(column) for column in self.measured]
            tensors.append(Given(NUMBERS, shape, torch.float64, said, example))
        if self.coded:
            said = "the codes of cells that are categories; 0: missing, or none that is known"
            shape = (BATCH, len(self.coded))
            tensors.append(Given(CODES, shape, torch.int64, said, [1] * len(self.coded)))
        for i, column in enumerate(self.lists):
            said = f"codes of the values of {column.name}; 0: none that is known; {NONE}: no value"
            longest = f"list_{i} at most"
            tensors.append(Given(f"list_{i}", (BATCH, longest), torch.int64, said, [1]))
        super().__init__(tensors)

    @property
    def columns(self) -> list[Measured | Coded]:
        """Those that it is given something of."""
        return [*self.measured, *self.coded, *self.lists]

    def forward(self, given: Mapping[str, Tensor]) -> Tensor | Fields:
        found: list[Tensor] = []
        if self.measured:
            for column, values in zip(self.measured, given[NUMBERS].unbind(1), strict=True):
                found += [own.float() for own in column.scaled(values)]
        numbers = torch.stack(found, 1) if found else None
        if not self.coded and not self.lists:
            assert numbers is not None
            return numbers
        lists = [self.bag(own, given[f"list_{i}"]) for i, own in enumerate(self.lists)]
        return fields(numbers, given.get(CODES), tuple(lists))

    def bag(self, column: Coded, codes: Tensor) -> Bag:
        """The bag of a list's codes [B, L], -1 where there is none."""
        there = (codes != NONE).float()
        if vars(column)["pool"] == "mean":
            there = there / there.sum(1, keepdim=True).clamp(min=1)
        return Bag.of_rows(codes.clamp(min=0), there)

    def of(self, x: tuple[pyarrow.Table, Place]) -> dict[str, Tensor]:
        """Of rows of a table as they are written."""
        table, place = x
        found: dict[str, Tensor] = {}
        if self.measured:
            values = [own.values(table.column(own.name), place) for own in self.measured]
            found[NUMBERS] = torch.from_numpy(np.stack(values, 1))
        if self.coded:
            codes = [own.codes(table.column(own.name), place)[0] for own in self.coded]
            found[CODES] = torch.from_numpy(np.stack(codes, 1).astype(np.int64))  # type: ignore[arg-type]
        for i, own in enumerate(self.lists):
            [bag] = own.codes(table.column(own.name), place)
            assert isinstance(bag, Bag)
            found[f"list_{i}"], _ = rows_of(bag)
        return found

    def said(self) -> dict[str, Any]:
        placed: list[tuple[Measured | Coded, str, int]] = []
        placed += [(own, NUMBERS, i) for i, own in enumerate(self.measured)]
        placed += [(own, CODES, i) for i, own in enumerate(self.coded)]
        placed += [(own, f"list_{i}", 0) for i, own in enumerate(self.lists)]
        columns = []
        for column, input, place in placed:
            said = {"name": column.name, "type": name_of(type(column)), "input": input}
            joined = {"from": file} if (file := self.joined.get(column.name)) else {}
            more = {**column.said(), "example": column.usual()}
            columns.append({**said, "place": place, **joined, **more})
        return {"columns": columns}

    def made_up(self, number: int) -> pyarrow.Table:
        """Some rows that a generator draws, the same each time; a cell in ten is missing."""
        import pyarrow

        draw, cells = np.random.default_rng(0), {}
        for column in self.columns:
            gaps = draw.random(number) < 0.1
            own = column.drawn(draw, number)
            cells[column.name] = pyarrow.array(
                [None if gap else cell for cell, gap in zip(own, gaps, strict=True)]
            )
        return pyarrow.table(cells)


def number_in(column: Measured) -> float:
    """The number of a column's usual cell."""
    import pyarrow

    cells = pyarrow.array([column.usual()])
    return float(column.values(cells, lambda _: "the example")[0])
