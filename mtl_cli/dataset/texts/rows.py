"""One source of texts as it was read: its texts, the targets of its tasks, and its splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.label_checks import check_train_targets
from mtl_cli.dataset.columns.labels import flags, make_label_map
from mtl_cli.dataset.columns.splits import WORDS, Split, split_by_column, split_rows
from mtl_cli.dataset.files.cells import SeenLabels
from mtl_cli.dataset.files.parts import Part, place_among
from mtl_cli.dataset.texts.chunks import Chunk
from mtl_cli.dataset.texts.source import TextSource

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Transform = Callable[[Iterable[str]], "csr_matrix"]


class TextRows:
    """The rows of one source.

    Texts lie in memory as Arrow's UTF-8, unless they are transformed as they come.

    Args:
        source: its settings.
        chunks: its rows.
        kinds: ``{task: kind}``, of all sources.
        label_maps: ``{task: {label: class}}``, where labels are not the classes.
        seed: of the split.
        transform: makes bags of texts that need not be kept; None: they are kept.

    Attributes:
        names: ``{task: its classes}``.
        targets: ``{task: [N]}``, of all rows.
        split: ``{split: its rows}``.
        num_blank: texts without a character.
    """

    def __init__(
        self,
        source: TextSource,
        chunks: Iterable[Chunk],
        kinds: Mapping[str, str],
        label_maps: Mapping[str, Any],
        seed: int,
        transform: Transform | None,
    ) -> None:
        self.source = source
        self.parts: list[Part] = []
        self.bags: list[csr_matrix] = []
        self.num_blank = 0
        given: list[np.ndarray] = []  # by row: the split that its file is for, or ""
        for split, part in chunks:
            self.num_blank += count_blank(part.table.column(source.text))
            if transform is not None:
                self.bags.append(transform(texts_of(part, source.text)))
                part = replace(part, table=part.table.drop_columns([source.text]))
            self.parts.append(part)
            given.append(np.full(len(part.table), split or "", dtype="U5"))
        self.place = place_among(self.parts)
        self.names: dict[str, list[str]] = {}
        self.targets = {task: self.target(task, kinds[task], label_maps) for task in source.labels}
        self.split = self.make_split(np.concatenate(given), seed, kinds)
        for task, target in self.targets.items():
            train = target[torch.from_numpy(self.split["train"])]
            check_train_targets(task, kinds[task], self.names[task], train)

    def __len__(self) -> int:
        return sum(len(part.table) for part in self.parts)

    def cells(self, column: str) -> Any:
        """A column of all rows, as an Arrow array."""
        import pyarrow

        chunks = [chunk for part in self.parts for chunk in part.table.column(column).chunks]
        return pyarrow.chunked_array(chunks, pyarrow.string())

    def target(self, task: str, kind: str, label_maps: Mapping[str, Any]) -> Tensor:
        """The targets of a task for all rows, [N] or [N, L]."""
        columns = self.source.columns_of[task]
        slot = f"dataset.label_maps.{task}"
        self.names[task] = columns
        if kind == "multilabel":
            return flags(task, {column: self.cells(column) for column in columns}, self.place)
        if len(columns) > 1:
            rule = f"must be one column for a {kind} task"
            fix = f"'dataset.targets={{{task}: multilabel}}'"
            raise problem(f"{self.source.slot}.labels.{task}", rule, ", ".join(columns), fix)
        cells, seen = self.cells(columns[0]), SeenLabels()
        if kind != "regression":
            seen.add(cells, self.place)
        labels = make_label_map(task, kind, seen, label_maps.get(task), slot)
        self.names[task] = labels.names
        return labels.targets(cells, self.place)

    def make_split(self, given: np.ndarray, seed: int, kinds: Mapping[str, str]) -> Split:
        """The rows of each split: by file, then by the column; what is left by fractions."""
        named = np.where(given == "", "train", given)
        if self.source.split_column is not None:
            by_column = split_by_column(
                self.cells(self.source.split_column), self.place, self.source.slot
            )
            for split, rows in by_column.items():
                named[rows[given[rows] == ""]] = split
        fractions = {
            split: 0.0 if (named == split).any() else getattr(self.source, f"{split}_fraction")
            for split in ("val", "test")
        }
        train = np.flatnonzero(named == "train")
        strata = self.strata(kinds)
        drawn = split_rows(
            len(train),
            fractions["val"],
            fractions["test"],
            seed,
            None if strata is None else strata[train],
            self.source.slot,
        )
        for split, rows in drawn.items():
            named[train[rows]] = split
        return {split: np.flatnonzero(named == split) for split in WORDS}

    def strata(self, kinds: Mapping[str, str]) -> np.ndarray | None:
        """The classes of the first task that has some."""
        for task, target in self.targets.items():
            if kinds[task] in ("binary", "multiclass"):
                return target.nan_to_num(-1).long().numpy()
        return None

    def texts(self, rows: np.ndarray) -> Iterator[str]:
        """The texts of some rows, in rising order."""
        begin = 0
        for part in self.parts:
            end = begin + len(part.table)
            own = rows[np.searchsorted(rows, begin) : np.searchsorted(rows, end)] - begin
            yield from texts_of(replace(part, table=part.table.take(own)), self.source.text)
            begin = end

    def take_bags(self, rows: np.ndarray) -> csr_matrix:
        """The bags of some rows, where they were made on the way."""
        from scipy.sparse import vstack

        if len(self.bags) > 1:
            self.bags = [vstack(self.bags, format="csr")]
        return self.bags[0][rows]


def texts_of(part: Part, column: str) -> Sequence[str]:
    """The texts of some rows; a missing one is empty."""
    return part.table.column(column).fill_null("").to_pylist()


def count_blank(cells: Any) -> int:
    """How many texts have no character but white space."""
    from pyarrow import compute

    lengths = compute.utf8_length(compute.utf8_trim_whitespace(cells.fill_null("")))
    return int(compute.sum(compute.equal(lengths, 0)).as_py() or 0)
