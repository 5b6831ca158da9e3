"""What a type of column is: how a model reads a column of a table, learned from its train rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mtl_cli.basis.bag import Bag
from mtl_cli.dataset.columns.vocabulary import Vocabulary
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.prepared.stored import Stored

if TYPE_CHECKING:
    import pyarrow


Codes = Sequence[np.ndarray | Bag | Stored]


@dataclass(frozen=True)
class Written:
    """A column as it is written.

    Args:
        name: the column's.
        cells: of all rows, N of them.
        place: where the rows are from.
        train: the positions of the train rows.
        said: whether the user said the column's type; else it was inferred.
        also: how many train rows have each value of the columns that have its vocabulary too.
        vocabulary: that of another column, which it is to have; None: it learns its own.
    """

    name: str
    cells: pyarrow.ChunkedArray
    place: Place
    train: np.ndarray
    said: bool
    also: Counter[str] = field(default_factory=Counter)
    vocabulary: Vocabulary | None = None


@dataclass(frozen=True)
class Learned:
    """What came of a column.

    Args:
        missing: how many cells are blank.
        about: what is said of it, in a few words: of its values, or why it is dropped.
        column: how it is read from now on; None: it is dropped.
        codes: what its rows are for the model: see `Column.codes`.
        writing: how its cells would be numbers, where they are text that looks so.
    """

    missing: int
    about: str
    column: Column | None = None
    codes: Codes = field(default_factory=list)
    writing: Writing | None = None


class Column(ABC):
    """A column that was learned: numbers, or codes of categories.

    A type of column is one class of this kind in a file of ``mtl_cli/dataset/types``, which gives
    the type its name. It is a frozen dataclass: its fields, plain data, are all that it takes to
    read new rows.

    Attributes:
        name: the column's.
        as_text: whether cells stay as they are written (``007``) where a user says this type.
        is_read: whether anything is learned or shown of its cells.
        is_shown: whether its cells stand beside the predictions for new rows.
        is_list: whether a cell holds several codes.
        unseen_are: what its cells are that training did not know, and what becomes of them.
        of_files: whether a cell is the path of a file; such a type has an option ``root``, the
            folder that they begin in.
    """

    name: str
    as_text: ClassVar[bool] = False
    is_read: ClassVar[bool] = True
    is_shown: ClassVar[bool] = False
    is_list: ClassVar[bool] = False
    of_files: ClassVar[bool] = False
    unseen_are: ClassVar[tuple[str, str]] = (
        "are categories that training did not have or had too rarely",
        "they count as unknown",
    )

    @classmethod
    def suits(cls, kind: pyarrow.DataType) -> bool:
        """Whether a column of cells of this kind is of this type where the user says none."""
        return False

    @classmethod
    @abstractmethod
    def learn(cls, written: Written, *args: Any, **kwargs: Any) -> Learned:
        """Learns a column. The arguments that follow are the options of the type, by their names:
        they stand in ``dataset.columns.<column>``, or for all columns in ``dataset``.

        Raises:
            ValueError: where a cell is none of this type, or an option is out of its range.
        """

    @property
    def num_numbers(self) -> int:
        """How many numbers of a row it is; 0: it is codes."""
        return 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of each of its codes: how many different ones there are, code 0 among them."""
        return ()

    @property
    def knows(self) -> bool:
        """Whether new cells may be such that training did not know."""
        return bool(self.sizes)

    @abstractmethod
    def codes(self, cells: Any, place: Place) -> Codes:
        """What new rows are for the model: an array [B] for each number or code; of lists a bag; of
        a `Part` what stands there."""

    def unseen(self, cells: Any) -> tuple[int, int, str]:
        """How many of new cells are values that training did not know, of how many that are not
        missing, and the first of them."""
        return 0, 0, ""

    @abstractmethod
    def plain(self, values: np.ndarray) -> np.ndarray:
        """The same [B, n] for learners that are no networks, [B, m]: NaN for what is missing."""
