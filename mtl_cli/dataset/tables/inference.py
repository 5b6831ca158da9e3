"""What each column of a table is: said or inferred, and learned from the train rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.columns.coded import Coded
from mtl_cli.dataset.columns.column import Codes, Column, Learned, Written
from mtl_cli.dataset.columns.part import Part
from mtl_cli.dataset.columns.vocabulary import Vocabulary
from mtl_cli.dataset.columns.writing import Writing, joint
from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.nested import is_list
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.tables.lists import SEPARATOR
from mtl_cli.dataset.tables.other_words import said_as
from mtl_cli.dataset.tables.shown import MOST, Shown, lines_of, short_lines
from mtl_cli.dataset.tables.types import known_types, name_of, options_of

if TYPE_CHECKING:
    import pyarrow

# Options of types, where neither a column nor the dataset says them: see `Coded`, `CategoryList`.
USUAL: Mapping[str, Any] = {
    "hash": None,
    "vocabulary_of": None,
    "width": None,
    "split": SEPARATOR,
    "pool": "mean",
    "max": None,
    "read_as": "bag",
    "max_length": None,
    "root": None,
    "tokenizer": None,
    "augment": None,
}
OF_VOCABULARY = ("hash", "min_count", "max_vocabulary", "width")  # options of all columns with it


class Inference:
    """Learns the columns of a table, and keeps their codes.

    Args:
        place: where the rows are from.
        train: the positions of the train rows.
        said: ``{column: {"type": ..., its options}}``, as the user says.
        usual: the options of types, where a column does not say them, beside `USUAL`.

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

    def learn(self, columns: Mapping[str, pyarrow.ChunkedArray]) -> None:
        """Decides what each column is, and learns it: first those that others' vocabulary is of."""
        owners = self.owners(columns)
        for name in sorted(columns, key=lambda name: name in owners):  # stable
            cells, kind = columns[name], self.kind_of(name, columns[name].type)
            others = [other for other, owner in owners.items() if owner == name]
            also = sum((self.counts(other, columns[other]) for other in others), Counter())
            known = self.vocabulary(owners[name]) if name in owners else None
            said = bool(self.said.get(name))
            written = Written(name, cells, self.place, self.train, said, also, known)
            self.note(name, cells, kind, kind.learn(written, **self.options_of(name, kind)))

    def check(self) -> None:
        """Refuses columns of which none is left to learn from."""
        if any(c.num_numbers or c.sizes or isinstance(c, Part) for c in self.learned):
            return
        rule, found = "must have a column to learn from", "\n".join(["", *self.lines()])
        words = joint(self.writings, self.kinds)
        said = "other columns, or what one of these is: 'dataset.columns.<column>={type: text}'"
        fix = words or said
        raise problem("dataset", rule, found, fix)

    def counts(self, name: str, cells: pyarrow.ChunkedArray) -> Counter[str]:
        """How many train rows have each value of a column that has the vocabulary of another."""
        kind = self.kind_of(name, cells.type)
        assert issubclass(kind, Coded)  # the others have no such option
        return kind.count(cells, self.train, **self.options_of(name, kind))

    def note(
        self, name: str, cells: pyarrow.ChunkedArray, kind: type[Column], found: Learned
    ) -> None:
        """Keeps what came of a column."""
        if found.column is not None:
            self.learned.append(found.column)
            self.codes[name] = found.codes
        self.kinds.append(cells.type)
        self.writings += [] if found.writing is None else [found.writing]
        what = "dropped" if found.column is None else name_of(kind)
        advice = "'dataset.columns" in found.about and "' keeps it" not in found.about
        self.columns.append(Shown(name, what, found.missing, found.about, advice))

    def owners(self, columns: Mapping[str, Any]) -> dict[str, str]:
        """``{column: the one whose vocabulary it has}``, where it has none of its own."""
        said = {name: own.get("vocabulary_of") for name, own in self.said.items()}
        owners = {name: owner for name, owner in said.items() if owner is not None}
        for name, owner in owners.items():
            thing = f"dataset.columns.{name}.vocabulary_of"
            rule = "must name another column of categories, which has a vocabulary of its own"
            if owner not in columns:
                close = nearest(str(owner), [c for c in columns if c != name]) or "<column>"
                raise problem(thing, rule, f"no column {owner}", f"{thing}={close}")
            if owner in owners or owner == name:
                found = f"{owner}, which has that of {owners[owner]}"
                raise problem(thing, rule, found, f"{thing}=null")
            self.check_shared(name, owner)
        return owners

    def check_shared(self, name: str, owner: str) -> None:
        """Refuses options of a vocabulary that is another column's, which says otherwise."""
        said, theirs = self.said[name], self.said.get(owner, {})
        for option in OF_VOCABULARY:
            if option in said and said[option] != theirs.get(option, self.usual.get(option)):
                rule = f"is that of {owner}, whose vocabulary and vectors it has"
                kept = {key: value for key, value in said.items() if key != option}
                thing = f"dataset.columns.{name}.{option}"
                raise problem(thing, rule, said[option], said_as(name, kept))

    def vocabulary(self, owner: str) -> Vocabulary:
        """What another column has learned."""
        column = next((column for column in self.learned if column.name == owner), None)
        if not isinstance(column, Coded):
            rule, fix = "must be categories", words_for(owner, "type: category")
            found = "a column that was dropped" if column is None else name_of(type(column))
            raise problem(f"column {owner}, whose vocabulary others have", rule, found, fix)
        return column.known

    def options_of(self, name: str, kind: type[Column]) -> dict[str, Any]:
        """The options of a column's type: what is said of it, or is usual."""
        usual = {**USUAL, **self.usual}
        said = {**usual, **self.said.get(name, {})}
        for option in options_of(kind):
            if option not in said:
                fix = f"dataset.columns.{name}.{option}=<value>"
                rule = f"must say the {option} of its type"
                raise problem(f"dataset.columns.{name}", rule, "none", fix)
            if isinstance(usual.get(option), Mapping) and isinstance(said[option], Mapping):
                said[option] = {**usual[option], **said[option]}
        return {option: said[option] for option in options_of(kind)}

    def kind_of(self, name: str, cells: pyarrow.DataType) -> type[Column]:
        """The type of a column, as it is said or suits its cells."""
        known, said = known_types(), self.said.get(name, {}).get("type")
        if said is not None:
            if is_list(cells) and known[said].is_read and not known[said].is_list:
                rule, fix = f"must hold single values: its type is {said}", "type: list"
                found = f"lists ({cells})"
                raise problem(f"column {name}", rule, found, words_for(name, fix))
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
