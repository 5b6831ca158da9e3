"""What each column of a table is: said or inferred, and learned from the train rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.column import Codes, Column, Written
from mtl_cli.dataset.columns.writing import Writing, joint
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.tables.shown import MOST, Shown, lines_of, short_lines
from mtl_cli.dataset.tables.types import known_types, name_of, options_of

if TYPE_CHECKING:
    import pyarrow


class Inference:
    """Learns the columns of a table, and keeps their codes.

    Args:
        place: where the rows are from.
        train: the positions of the train rows.
        said: ``{column: {"type": ..., its options}}``, as the user says.
        usual: the options of types, where a column does not say them.

    Attributes:
        learned: the columns that are read, in order.
        codes: ``{column: what it is for the model}``, of all rows.
    """

    def __init__(
        self,
        place: Place,
        train: np.ndarray,
        said: Mapping[str, Mapping[str, Any]],
        usual: Mapping[str, Any],
    ) -> None:
        self.place, self.train = place, train
        self.said, self.usual = said, usual
        self.learned: list[Column] = []
        self.codes: dict[str, Codes] = {}
        self.columns: list[Shown] = []
        self.kinds: list[pyarrow.DataType] = []  # of the cells
        self.writings: list[Writing] = []  # of text that looks like numbers

    def learn(self, name: str, cells: pyarrow.ChunkedArray) -> None:
        """Decides what a column is, and learns it."""
        own = self.said.get(name, {})
        kind = self.kind_of(own.get("type"), cells.type)
        options = {key: value for key, value in {**self.usual, **own}.items() if key != "type"}
        for option in options_of(kind):
            if option not in options:
                fix = f"dataset.columns.{name}.{option}=<value>"
                rule = f"must say the {option} of its type"
                raise problem(f"dataset.columns.{name}", rule, "none", fix)
        written = Written(name, cells, self.place, self.train, bool(own))
        found = kind.learn(written, **{option: options[option] for option in options_of(kind)})
        if found.column is not None:
            self.learned.append(found.column)
            self.codes[name] = found.codes
        self.kinds.append(cells.type)
        self.writings += [] if found.writing is None else [found.writing]
        what = "dropped" if found.column is None else name_of(kind)
        advice = "'dataset.columns" in found.about and "' keeps it" not in found.about
        self.columns.append(Shown(name, what, found.missing, found.about, advice))

    def kind_of(self, said: str | None, cells: pyarrow.DataType) -> type[Column]:
        """The type of a column, as it is said or suits its cells."""
        known = known_types()
        if said is not None:
            return known[said]
        return next(kind for kind in known.values() if kind.suits(cells))

    def lines(self) -> list[str]:
        """What was inferred, on one screen."""
        words = joint(self.writings, self.kinds) if len(self.writings) > 1 else ""
        joined = f"{len(self.writings):,} columns look like numbers: {words} reads them"
        return [*short_lines(self.columns), *([joined] if words else [])]

    def details(self) -> list[str]:
        """The whole of it, where the lines are not."""
        return lines_of(self.columns) if len(self.columns) > MOST else []
