"""A target of a table: its columns, and what is written there turned into labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.dataset.columns.labels import LabelMap, flags
from mtl_cli.dataset.columns.numbers import is_numeric, numbers
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow

LOOK = 10_000  # rows in which a target that is no number may show what else it is
CLASSES = ("binary", "multiclass", "ordinal")


@dataclass(frozen=True)
class Target:
    """How the labels of a target are read, in training and ever after.

    Args:
        name: the target's.
        kind: regression, count, amount, binary, multiclass, ordinal or multilabel.
        columns: several for a multilabel target or a regression of several numbers, else one.
        label_map: what its labels stand for; None for flags, and for numbers as they are.
        weight: the column of how much each row counts in its loss; None: each the same.
        where: the binary target that is 1 in the rows that have labels; None: all have.
    """

    name: str
    kind: str
    columns: list[str]
    label_map: LabelMap | None
    weight: str | None
    where: Target | None = None

    def labels(
        self, column: Callable[[str], pyarrow.ChunkedArray], place: Place, new: bool = False
    ) -> Tensor:
        """The labels of some rows, [B], or [B, L] of several columns.

        Args:
            column: gives the cells of a column.
            place: where the rows are from.
            new: whether they are read by what a training settled, which no setting changes.

        Raises:
            ValueError: where a label stands for nothing.
        """
        if self.kind == "multilabel":
            found = flags(self.name, {name: column(name) for name in self.columns}, place)
        else:
            read = [self.labels_in(name, column(name), place, new) for name in self.columns]
            found = read[0] if len(read) == 1 else torch.stack(read, 1)
        if self.where is None:
            return found
        return only_in_group(found, self.where.labels(column, place, new).eq(1).numpy())

    def read_from(self) -> list[str]:
        """Every column that it takes to know its labels."""
        return [*self.columns, *([] if self.where is None else self.where.read_from())]

    def labels_in(self, name: str, cells: Any, place: Place, new: bool) -> Tensor:
        """The labels [B] of one of its columns; the other arguments are those of `labels`."""
        if self.label_map is not None:
            return self.label_map.targets(cells, place)
        fix = "leave such cells empty"
        if not new:
            two = not is_numeric(cells.type) and len(cells.slice(0, LOOK).unique().drop_null()) == 2
            fix += f", or 'dataset.targets={{{self.name}: multiclass}}', or a map"
            fix = f"dataset.targets.{self.name}=binary" if two else fix
        mend = None if new else lambda writing: writing.words(None)
        return torch.from_numpy(numbers(name, cells, place, fix, mend=mend))

    @property
    def names(self) -> list[str]:
        """Of its classes or labels, or of several numbers; empty for one number."""
        if self.kind == "multilabel" or len(self.columns) > 1:
            return self.columns
        return getattr(self.label_map, "names", [])

    @property
    def size(self) -> int | None:
        """How many outputs it needs: one for each of its names; None: its kind says it."""
        return None if self.kind == "binary" else max(1, len(self.names))

    def state(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Target:
        label_map, where = state["label_map"], state["where"]
        made = {"label_map": label_map and LabelMap(**label_map)}
        return cls(**{**state, **made, "where": where and cls.from_state(where)})


def only_in_group(labels: Tensor, here: np.ndarray) -> Tensor:
    """The labels [B, ...] of the rows that are ``here`` [B], missing in all others."""
    own = labels.clone()
    own[torch.from_numpy(~here)] = float("nan") if labels.is_floating_point() else -1
    return own


def task_names(groups: Sequence[str]) -> list[str]:
    """The names of the tasks of some groups: theirs, without what parts a path (``St. Mary``)."""
    names: list[str] = []
    for group in groups:
        name = re.sub(r"[.\[\]]", "_", group)
        while name in names or (name != group and name in groups):
            name += "_"
        names.append(name)
    return names
