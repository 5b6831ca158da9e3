"""Columns that say the group of each row, for metrics within groups; they need be no inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.nested import is_list
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow

Known = dict[str, dict[str, int]]  # {column: {group: its number}}


def groups_in(
    table: pyarrow.Table, columns: Sequence[str], place: Place, known: Known | None = None
) -> dict[str, Tensor]:
    """The number of each row's group, ``{column: [B]}``.

    Args:
        table: the rows.
        columns: those that say a group.
        place: where the rows are from.
        known: the groups of earlier rows, which gets those of these.

    Raises:
        ValueError: where a cell is blank.
    """
    known = {} if known is None else known
    return {name: numbered(name, table, place, known.setdefault(name, {})) for name in columns}


def numbered(name: str, table: pyarrow.Table, place: Place, known: dict[str, int]) -> Tensor:
    """The same of one column, whose groups so far are ``known``."""
    codes, groups = encode(table.column(name))
    if (codes < 0).any():
        row = place(int(np.argmax(codes < 0)))
        found = f"{int((codes < 0).sum())} blank cells, first in {row}"
        rule = "must say the group of each row, by which a metric is"
        raise problem(f"column {name!r}", rule, found, "fill them, or another column as its by")
    numbers = np.array([known.setdefault(group, len(known)) for group in groups], dtype=np.int64)
    return torch.from_numpy(numbers[codes])


def check_groups(table: pyarrow.Table, columns: Sequence[str]) -> None:
    """Refuses what is no column, and a column of one group, by which a metric is as without it."""
    for name in columns:
        slot, names = "the column that a metric is by", table.column_names
        if name not in names:
            close = nearest(name, names)
            fix = f"by: {close or '<column>'}, in the metric"
            raise problem(slot, f"must be one of {', '.join(names)}", name, fix)
        if is_list(kind := table.schema.field(name).type):
            raise problem(slot, "must say one group a row", f"lists in {name} ({kind})", "another")
        if len(table.column(name).unique().drop_null()) < 2:
            fix = "a column of several groups, or auroc, which is without groups"
            raise problem(slot, "must have several groups", f"one in {name}", fix)
