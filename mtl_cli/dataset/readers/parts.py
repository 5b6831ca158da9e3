"""What a table gives beside its rows: columns that are parts of the input of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from mtl_cli.basis.batch import Examples, Joint
from mtl_cli.basis.inputs import InputSpec, Joined
from mtl_cli.dataset.columns.column import Codes, Column
from mtl_cli.dataset.columns.part import Part
from mtl_cli.dataset.prepared.stored import Kept
from mtl_cli.dataset.readers.rows import rows_of, spec_of
from mtl_cli.dataset.tables.plain import ROW


class RowAndParts:
    """The row of a table's columns, and beside it those columns that are parts of their own.

    Where there is no row, or nothing beside it, the one part is the input as it is.

    Args:
        columns: that are read; those of the row come first.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.of_row = [column for column in columns if not isinstance(column, Part)]
        self.beside = [column for column in columns if isinstance(column, Part)]
        self.numbers = sum(column.num_numbers for column in self.of_row)
        self.has_row = any(column.num_numbers or column.sizes for column in self.of_row)
        row = {ROW: spec_of(self.of_row)} if self.has_row else {}
        self.by_name = dict(zip(names_of(self.beside), self.beside, strict=True))
        specs = row | {name: column.spec for name, column in self.by_name.items()}
        self.names = list(specs)
        self.spec: InputSpec = (
            Joined(tuple(specs.items())) if len(specs) > 1 else specs.popitem()[1]
        )

    def examples(self, num_rows: int, codes: Iterable[Codes]) -> Kept:
        """The examples as they are kept, of the codes of each column; see `Column.codes`."""
        every = list(codes)
        first = len(every) - len(self.beside)
        found: list[Kept] = []
        if self.has_row:
            found.append(rows_of(self.numbers, num_rows, every[:first]))
        present = [np.ones(num_rows, bool)] * len(found)
        for values, there in every[first:]:
            found.append(torch.from_numpy(values) if isinstance(values, np.ndarray) else values)
            present.append(np.asarray(there))
        if len(found) == 1:
            return found[0]
        parts = dict(zip(self.names, found, strict=True))
        return Joint(parts, torch.from_numpy(np.stack(present, 1)))

    def prepared(self, x: Examples) -> Examples:
        """The examples as the model reads them."""
        if not self.beside:
            return x
        if not isinstance(x, Joint):
            return self.beside[0].prepared(x)
        own = {name: c.prepared(x.parts[name]) for name, c in self.by_name.items()}
        return Joint({**x.parts, **own}, x.present)

    @property
    def augments(self) -> bool:
        """Whether `augmented` changes examples."""
        return any(column.augments for column in self.beside)

    def augmented(self, x: Examples, draw: torch.Generator) -> Examples:
        """Train examples, prepared, changed by chance; the row stays as it is."""
        if not isinstance(x, Joint):
            return self.beside[0].augmented(x, draw)
        own = {name: c.augmented(x.parts[name], draw) for name, c in self.by_name.items()}
        return Joint({**x.parts, **own}, x.present)


def names_of(columns: Sequence[Column]) -> list[str]:
    """What the parts are called: as their columns, as far as that is one word of a path."""
    names: list[str] = []
    for column in columns:
        name = "".join(c if c.isalnum() else "_" for c in column.name) or "_"
        while name == ROW or name in names:
            name += "_"
        names.append(name)
    return names
