"""A table's row and, beside it, columns that are parts of the input of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.dataset.columns.part import Part
from mtl_cli.dataset.files.parts import Place
from mtl_cli.exported.as_read import by_spec
from mtl_cli.exported.cells import Cells
from mtl_cli.exported.entry import Entry
from mtl_cli.exported.parts import Parts
from mtl_cli.exported.pixels import Pixels

if TYPE_CHECKING:
    import pyarrow

    from mtl_cli.dataset.readers.parts import RowAndParts

ROW = "row"
TEXTS = "texts become ids or counts of words as text says of the input"
SUBWORDS = "texts become subwords by the run's tokenizer: mtl_cli.program_inputs(run, texts)"
BLANK = "; a cell that is missing is a part that its row lacks"


class Beside(Parts):
    """The cells of the row, and what becomes of each other column: bytes of pictures, token ids or
    words with their counts.

    Args:
        parts: of the reader of the run's table.
        joined: see `Cells`.
    """

    def __init__(self, parts: RowAndParts, joined: Mapping[str, str]) -> None:
        row: dict[str, Entry] = {ROW: Cells(parts.of_row, joined)} if parts.has_row else {}
        own = {name: entry_of(name, column) for name, column in parts.by_name.items()}
        super().__init__({**row, **own}, "")
        self.beside = dict(parts.by_name)
        said = [column.said() for column in parts.beside]
        ways = {Pixels.outside: "picture", TEXTS: "text"}
        done = [how for how, kind in ways.items() if any(kind in own for own in said)]
        self.outside = "; ".join([*done, *[SUBWORDS] * (not all(said))])
        self.alone = len(self.names) == 1
        *others, there = self.tensors
        there = replace(there, meaning=there.meaning + BLANK, made={"parts": self.names})
        self.tensors = others if self.alone else [*others, there]

    def forward(self, given: Mapping[str, Tensor]) -> Examples:
        if not self.alone:
            return super().forward(given)
        x: Examples = self.entries[0](given)
        return x

    def of(self, x: tuple[pyarrow.Table, Place]) -> dict[str, Tensor]:
        """Of rows of a table as they are written."""
        table, place = x
        found: dict[str, Tensor] = {}
        present = []
        for name, entry in zip(self.names, self.entries, strict=True):
            column = self.beside.get(name)
            if column is None:
                found |= entry.of(x)  # type: ignore[operator]
                present.append(np.ones(len(table), bool))
                continue
            values, there = column.codes(table.column(column.name), place)
            kept: Any = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
            found |= entry.of(column.prepared(kept))  # type: ignore[operator]
            present.append(np.asarray(there))
        if not self.alone:
            found["present"] = torch.from_numpy(np.stack(present, 1))
        return found

    def said(self) -> dict[str, Any]:
        return self.entries[0].said() if ROW in self.names else {}  # type: ignore[operator]


def entry_of(name: str, column: Part) -> Entry:
    """The entry of such a column."""
    said = column.said()
    if column.pixels is None:
        entry = by_spec(column.spec, name)
    else:
        fit = said["picture"]["fit"]
        entry = Pixels(name, column.spec.shape, column.pixels, fit)  # type: ignore[attr-defined]
    entry.tell({"column": column.name, **said})
    return entry
