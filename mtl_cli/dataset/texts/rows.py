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
from mtl_cli.dataset.columns.labels import NUMBERS, flags, make_label_map, read_map
from mtl_cli.dataset.columns.target import CLASSES, Target
from mtl_cli.dataset.columns.target_options import SEVERAL, TargetOptions
from mtl_cli.dataset.columns.unseen import counted, unseen_labels
from mtl_cli.dataset.files.cells import SeenLabels
from mtl_cli.dataset.files.ordered import order_of
from mtl_cli.dataset.files.parts import Part, place_among
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.texts.chunks import Chunk
from mtl_cli.dataset.texts.source import TextSource, columns_of_texts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Transform = Callable[[Iterable[str]], "csr_matrix"]


class TextRows:
    """The rows of one source.

    Texts lie in memory as Arrow's UTF-8, unless they are transformed as they come.

    Args:
        source: its settings.
        chunks: its rows.
        targets: ``{task: what the config says of it}``, of all sources.
        transform: makes bags of texts that need not be kept; None: they are kept.

    Attributes:
        names: ``{task: its classes}``.
        targets: ``{task: [N]}``, of all rows.
        split: ``{split: its rows}``.
        drawn: the splits whose rows the seed draws.
        unseen: ``{task: {class without a row in train: how many labels of it are left out}}``.
        num_blank: texts without a character.
    """

    def __init__(
        self,
        source: TextSource,
        chunks: Iterable[Chunk],
        targets: Mapping[str, TargetOptions],
        transform: Transform | None,
    ) -> None:
        self.source = source
        self.parts: list[Part] = []
        self.bags: list[csr_matrix] = []
        self.num_blank = 0
        given: list[np.ndarray] = []  # by row: the split that its file is for, or ""
        for split, part in chunks:
            for column in source.text_columns:
                self.num_blank += count_blank(part.table.column(column))
            if transform is not None:
                self.bags.append(transform(texts_of(part, source.text)))
                part = replace(part, table=part.table.drop_columns(source.text_columns))
            self.parts.append(part)
            given.append(np.full(len(part.table), split or "", dtype="U5"))
        self.place = place_among(self.parts)
        self.names: dict[str, list[str]] = {}
        self.targets = {task: self.target(targets[task]) for task in source.labels}
        classes = [
            target.nan_to_num(-1).long().numpy()
            for task, target in self.targets.items()
            if targets[task].kind in CLASSES
        ]
        strata = classes[0] if classes else None  # the first task's that has some
        cells, own = np.concatenate(given), source.split
        dealt = deal(own, cells, self.cells, self.place, strata, classes)
        self.split, self.drawn, self.dealt = dealt.rows, dealt.drawn, dealt.facts
        self.unseen: dict[str, dict[str, int]] = {}
        train = torch.from_numpy(self.split["train"])
        for task, target in self.targets.items():
            kind, names = targets[task].kind, self.names[task]
            check_train_targets(task, kind, names, target[train])
            unseen = unseen_labels(kind, names, target, train)
            self.unseen[task] = counted(target[unseen], names)
            target[unseen] = -1

    def __len__(self) -> int:
        return sum(len(part.table) for part in self.parts)

    def cells(self, column: str) -> Any:
        """A column of all rows, as an Arrow array."""
        import pyarrow

        chunks = [chunk for part in self.parts for chunk in part.table.column(column).chunks]
        return pyarrow.chunked_array(chunks, pyarrow.string())

    def target(self, said: TargetOptions) -> Tensor:
        """The targets of a task for all rows, [N] or [N, L]."""
        task, kind = said.task, said.kind
        columns = self.source.columns_of[task]
        self.names[task] = columns
        if kind == "multilabel":
            return flags(task, {column: self.cells(column) for column in columns}, self.place)
        if len(columns) > 1 and kind not in SEVERAL:
            rule = f"must be one column for a {kind} task"
            fix = f"'dataset.targets={{{task}: multilabel}}'"
            raise problem(f"{self.source.slot}.labels.{task}", rule, ", ".join(columns), fix)
        seen = SeenLabels()
        if kind not in NUMBERS:
            seen.add(self.cells(columns[0]), self.place, read_map(said.map or {}))
        order = said.order_of_classes(order_of(self.parts[0].table, columns[0]))
        labels = make_label_map(task, kind, seen, said.map, f"{said.slot}.map", order)
        target = Target(task, kind, columns, labels, None)
        self.names[task] = target.names
        return target.labels(self.cells, self.place)

    def texts(self, rows: np.ndarray) -> Iterator[Any]:
        """The texts of some rows, in rising order; or their pairs."""
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


def texts_of(part: Part, text: str | list[str]) -> Sequence[Any]:
    """The texts of some rows, or their pairs; a missing one is empty."""
    columns = columns_of_texts(text)
    each = [part.table.column(column).fill_null("").to_pylist() for column in columns]
    return each[0] if len(each) == 1 else list(zip(*each, strict=True))


def count_blank(cells: Any) -> int:
    """How many texts have no character but white space."""
    from pyarrow import compute

    lengths = compute.utf8_length(compute.utf8_trim_whitespace(cells.fill_null("")))
    return int(compute.sum(compute.equal(lengths, 0)).as_py() or 0)
