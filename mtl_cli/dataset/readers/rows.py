"""Columns side by side as rows that a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.inputs import Dense, InputSpec, Row
from mtl_cli.dataset.columns.coded import Coded
from mtl_cli.dataset.columns.column import Codes, Column


def spec_of(columns: Sequence[Column]) -> InputSpec:
    """What rows of these columns are, numbers before codes before lists; plain numbers where there
    are no codes."""
    numbers = sum(column.num_numbers for column in columns)
    coded = [column for column in columns if isinstance(column, Coded)]
    if not coded:
        return Dense((numbers,))
    sizes = tuple(size for column in coded if not column.is_list for size in column.sizes)
    lists = tuple(size for column in coded if column.is_list for size in column.sizes)
    names = [column.name for column in coded]
    owners = [column.vocabulary_of or column.name for column in coded]
    widths = [coded[names.index(owner)].width or 0 for owner in owners]
    vocabularies = tuple(map(names.index, owners)) if owners != names else ()
    return Row(numbers, sizes, lists, vocabularies, tuple(widths) if any(widths) else ())


def rows_of(numbers: int, num_rows: int, codes: Iterable[Codes]) -> Tensor | Fields:
    """The rows, of the numbers or codes of each column, in order.

    Args:
        numbers: how many numbers a row has, which come first.
        num_rows: how many rows there are.
        codes: of each column; see `Column.codes`.
    """
    found = list(chain.from_iterable(codes))
    lists = tuple(values for values in found if isinstance(values, Bag))
    arrays = [values for values in found if isinstance(values, np.ndarray)]
    first = stacked(arrays[:numbers], num_rows, np.float32)
    if len(found) == numbers:
        return first
    return Fields(first, stacked(arrays[numbers:], num_rows, np.int32), lists)


def stacked(columns: Sequence[np.ndarray], num_rows: int, kind: type) -> Tensor:
    """Columns side by side, [B, C]."""
    rows: np.ndarray = np.empty((len(columns), num_rows), kind)
    for i, values in enumerate(columns):
        rows[i] = values
    return torch.from_numpy(rows).T.contiguous()
