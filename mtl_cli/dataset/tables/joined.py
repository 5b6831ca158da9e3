"""Columns of other files beside each row: a film's genres by its number, a user's age by his."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.cells import append, encode
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.nested import check_nested
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Place, place_among
from mtl_cli.dataset.files.read import read_parts
from mtl_cli.dataset.tables.join import Join
from mtl_cli.dataset.tables.read import concatenate, read_tables

if TYPE_CHECKING:
    import pyarrow

ONE_NAME = "leave the column out of one of the files, or give it another name there"


@dataclass(frozen=True)
class Lookup:
    """The rows of such a file by the value of its column, as `canonical` writes it.

    Args:
        join: which file that is.
        table: its other columns.
        rows: ``{value: its row}``.
    """

    join: Join
    table: pyarrow.Table
    rows: Mapping[str, int]

    @classmethod
    def of(cls, join: Join, table: pyarrow.Table, place: Place, slot: str) -> Lookup:
        """The lookup of a file's rows, which were read by the options of ``slot``.

        Raises:
            ValueError: where it has not the column, or two rows of one value.
        """
        check_columns(table.column_names, [join.column], join.slot, slot)
        codes, values = encode(table.column(join.column))
        there = np.flatnonzero(codes >= 0)
        present, firsts = np.unique(codes[there], return_index=True)
        if len(present) < len(there):
            again = np.setdiff1d(there, there[firsts])[0]
            first = there[firsts[codes[again]]]
            rule = f"must name a file with one row for each {join.column}"
            found = f"{values[codes[again]]!r} in {place(int(first))} and in {place(int(again))}"
            raise problem(join.slot, rule, found, f"one of these rows in {join.path}")
        rows = {values[code]: int(there[i]) for code, i in zip(present, firsts, strict=True)}
        return cls(join, table.drop_columns([join.column]), rows)

    def beside(self, table: pyarrow.Table) -> pyarrow.Table:
        """Some rows with the columns of the file; cells are missing where it has no such value.

        Raises:
            ValueError: where they have not the column, or one that the file has too.
        """
        import pyarrow

        join = self.join
        check_columns(table.column_names, [join.column], join.slot)
        if both := [name for name in self.table.column_names if name in table.column_names]:
            rule = "must name a file whose other columns have names of their own"
            raise problem(join.slot, rule, f"{', '.join(both)} in both", ONE_NAME)
        at = self.at(table)
        found = self.table.take(pyarrow.array(at, mask=at < 0))
        for i, name in enumerate(found.column_names):
            table = table.append_column(found.schema.field(i), found.column(name))
        return table

    def at(self, table: pyarrow.Table) -> np.ndarray:
        """The row of the file that belongs to each of some rows; -1 where it has none."""
        codes, values = encode(table.column(self.join.column))
        rows = np.array([self.rows.get(value, -1) for value in values], dtype=np.int64)
        return append(rows, -1)[codes]

    def line(self, table: pyarrow.Table) -> str:
        """What the file gives to how many rows, in a line."""
        missing = int((self.at(table) < 0).sum())
        given = f"{', '.join(self.table.column_names)} by {self.join.column}"
        return f"{Path(self.join.path).name} gives {given}, and lacks {missing:,} of {len(table):,}"


@dataclass
class Joins:
    """The files that are joined to a table, as a config says them.

    Args:
        join: ``{column: path}``; None: no file.
        origin: where people get the files of the dataset; None: it is not said.
    """

    join: Mapping[str, str] | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        said, fix = self.join, "'dataset.join={film_id: films.csv}'"
        if said is not None and not isinstance(said, Mapping):
            raise problem("dataset.join", "is {column: path}", said, fix)
        for column, path in (said or {}).items():
            if not isinstance(path, str):
                raise problem(f"dataset.join.{column}", "must be a path", path, fix)

    def joins(self) -> list[Join]:
        """Each of them."""
        return [Join(str(column), path) for column, path in (self.join or {}).items()]


def joined(
    table: pyarrow.Table,
    joins: Iterable[Join],
    options: ReadOptions,
    text: Collection[str],
    writing: Writing,
    dropped: Collection[str],
) -> tuple[pyarrow.Table, list[Join], list[str]]:
    """The rows of a training with the columns of all files, what a run remembers of these, and what
    it says of them.

    The other arguments are those of `read_tables`.
    """
    remembered, lines = [], []
    for join in joins:
        own = join.options(options)
        there, place, _ = read_tables([join.path], own, text, writing, dropped)
        lookup = Lookup.of(join, there, place, own.slot)
        table = lookup.beside(table)
        lines.append(lookup.line(table))
        remembered.append(join.remembered(lookup.table.column_names, own))
    return table, remembered, lines


def lookups(
    joins: Iterable[Join], wanted: Iterable[str], options: ReadOptions, typed: Collection[str]
) -> tuple[list[Lookup], list[str]]:
    """What it takes to read new rows of some columns: the files, and the rows' own columns.

    The other arguments are those of `read_parts`.
    """
    names, used = list(dict.fromkeys(wanted)), []
    for join in reversed(list(joins)):  # one may be joined by what one before it gave
        if given := [name for name in join.columns if name in names]:
            used.append((join, given))
            names = [name for name in names if name not in given]
            names += [] if join.column in names else [join.column]
    found = []
    for join, given in reversed(used):
        join.check(options)
        own = join.options(options)
        parts = list(read_parts(join.path, own, [join.column, *given], typed=typed))
        for part in parts:
            check_nested(part, own.lists, own)
        found.append(Lookup.of(join, concatenate(parts, own), place_among(parts), own.slot))
    return found, names
