"""A user's own table: one row an example, some columns to predict from, others to predict.

Numbers are standardised by the train rows, categories become codes, and each target is a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, from_numpy

from mtl_cli.basis.batch import Batch, Examples, Fields, Joint
from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.dataset.columns.target_options import EXAMPLE, targets_of
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.column_names import check_columns, check_name
from mtl_cli.dataset.files.nested import is_list
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.downsampled import DownsampledDataset, Downsampling
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.readers.table import INPUT, TableReader
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.facts import lines_of as split_lines
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.splits.shared import remarks_on
from mtl_cli.dataset.tables import types
from mtl_cli.dataset.tables.grouping import check_groups, groups_in
from mtl_cli.dataset.tables.inference import Inference
from mtl_cli.dataset.tables.joined import Joins, joined
from mtl_cli.dataset.tables.plain import PlainTable
from mtl_cli.dataset.tables.read import as_numbers, read_tables
from mtl_cli.dataset.tables.targets import TableTargets


class Table(DownsampledDataset):
    """Input ``row``; a task for each target, or for each value of ``task_column``.

    Where columns are texts or pictures the input is made of parts: the row of all others, and each
    of these.

    A column is a number where all its cells are, else a category; one that is constant in train,
    or text that differs in most rows, is dropped. A target's column is no input, nor are those
    that say a row's split, weight or task. A cell that is blank or ``?`` is missing: of a number,
    it counts as the mean, and a second number says so; of a category, it has the code of unknown
    ones; of a target, it is a missing label.

    Args:
        path: a CSV, TSV, JSON Lines, Parquet or ``.npz`` file, a folder of them, or a glob.
        test_path: the same for the test split; None: it is a part of ``path``'s rows.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., ...}}``; see `TargetOptions`.
        not_inputs: columns that are no inputs, where they are there: of targets that are left out.
        columns: ``{column: {"type": ..., its options}}``, where the type should not be inferred;
            the types are the files of ``mtl_cli/dataset/types``.
        min_count: categories that fewer train rows have count as unknown, which trains its code.
        max_vocabulary: up to how many categories a column may have, unless they are hashed.
        decimal, thousands: how numbers are written where they are text; see `Writing`.
        date_format: of columns of dates; see `moments`.
        vectorizer: of columns of texts; see `Options` of vectorizers.
        decoding: of columns of pictures, their options where a column does not say them.
        offline: whether tokenizers of columns of subwords are never asked for on the network.
        split: how rows are dealt; see `SplitOptions`. Fractions are drawn in proportion to the
            tasks of ``task_column``, else to the classes of the first such target.
        weight_column: how much each row counts in the losses, from 0.
        task_column: makes the one target a task for each of its values, called by that value.
        files: how files are read.
        joins: other files, of which each row gets columns, and where people get the files.
        batching: see `InMemoryDataset`.
        downsample: ``{binary target: {label: share}}``, of train rows; see `Downsampling`.
        group_columns: columns whose groups batches carry, for metrics within groups; None: none.
        reference: up to how many train labels x classes, in all, trees are trained on them too.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType(
        {"files": ReadOptions, "joins": Joins, "batching": Batching}
    )

    def __init__(
        self,
        path: str | None,
        test_path: str | None,
        targets: Mapping[str, Any] | None,
        not_inputs: Sequence[str] | None,
        columns: Mapping[str, Mapping[str, Any]] | None,
        min_count: int,
        max_vocabulary: int,
        decimal: str,
        thousands: str | None,
        date_format: str | None,
        vectorizer: Mapping[str, Any] | None,
        decoding: Mapping[str, Any] | None,
        offline: bool,
        split: Mapping[str, Any],
        weight_column: str | None,
        task_column: str | None,
        files: ReadOptions,
        joins: Joins,
        batching: Batching,
        downsample: Mapping[str, Mapping[Any, float]] | None,
        group_columns: Sequence[str] | None,
        reference: int,
    ) -> None:
        if path is None:
            rule, fix = "must be a file, a folder or a glob", f"dataset.path=my.csv {EXAMPLE}"
            raise problem("dataset.path", rule, "none", fix)
        said = columns or {}
        types.check_said(said)
        said = {str(name): own for name, own in said.items()}  # 2020 is a number for Hydra
        check_integer("dataset.min_count", min_count, 1, "dataset.min_count=2")
        check_integer("dataset.max_vocabulary", max_vocabulary, 1, "dataset.max_vocabulary=1000000")
        check_integer("dataset.reference", reference, 0, "dataset.reference=0")
        check_name("dataset.weight_column", weight_column)
        check_name("dataset.task_column", task_column)
        dealing = SplitOptions.of(split)
        if dealing.date_format is None:
            own_format = said.get(str(dealing.column), {}).get("date_format", date_format)
            dealing = replace(dealing, date_format=own_format)
        labels = TableTargets(targets_of(targets), task_column, weight_column)
        by = [] if dealing.column is None else [dealing.column]
        paths = [path] if test_path is None else [path, test_path]
        writing = Writing(decimal, thousands)
        writing.check("dataset")
        files.decimal = None if writing.is_plain else decimal
        numbers = labels.columns() - set(labels.text_columns())
        files.written = {name: decimal for name in numbers if not writing.is_plain}
        files.written |= types.decimal_marks(said, decimal)
        files.origin, files.lists = joins.origin, types.separators(said)
        files.paths = types.roots(said)
        written = [*types.as_text(said), *labels.text_columns(), *by, *(joins.join or {})]
        of_files = (files, written, writing, types.dropped(said))
        table, place, counts = read_tables(paths, *of_files)
        table, beside, lines = joined(table, joins.joins(), *of_files)
        check_columns(table.column_names, said, "dataset.columns", "dataset")
        check_columns(table.column_names, by, "dataset.split.column", "dataset")
        check_groups(table, carried := list(group_columns or ()))
        table = as_numbers(table, place, numbers, writing)
        labels.read(table, place)

        given = np.where(np.arange(len(table)) < counts[0], "", "test")
        dealt = deal(dealing, given, table.column, place, labels.strata, labels.classes)
        train = dealt.rows["train"]
        labels.check(train)
        if dealing.by == "fraction" and "test" in dealt.drawn:
            singles = [own.name for own in table.schema if not is_list(own.type)]
            others = [name for name in singles if name not in labels.columns()]
            dealt.facts.update(remarks_on(others, table.column))

        usual: dict[str, Any] = {"min_count": min_count, "max_vocabulary": max_vocabulary}
        usual |= {"decimal": decimal, "thousands": thousands, "date_format": date_format}
        usual |= {"vectorizer": vectorizer, **types.checked(decoding, "image", "dataset.decoding")}
        usual["offline"] = offline
        inferred = Inference(place, train, said, usual)
        left_out = {*labels.columns(), *by, *(not_inputs or ())}
        inputs = [name for name in table.column_names if name not in left_out]
        inferred.learn({name: table.column(name) for name in inputs})
        inferred.check()
        self.reader = TableReader(
            *(inferred.learned, vars(files), labels.known, task_column, labels.groups),
            *(vars(writing), carried, beside),
        )
        groups = groups_in(table, carried, place)
        codes = (inferred.codes[column.name] for column in self.reader.columns)
        self.parts = self.reader.parts
        self.augments = self.parts.augments
        rows = self.parts.examples(len(table), codes)
        labels.read_weights(table, place)
        whole = Rows({INPUT: rows}, labels.targets, labels.weights, groups)
        self.drawn, self.dealt = dealt.drawn, dealt.facts
        binary = {task: own.names for task, own in labels.known.items() if own.kind == "binary"}
        ungrouped = {task: names for task, names in binary.items() if task in labels.targets}
        self.downsampling = Downsampling.of(downsample, ungrouped)
        self.notes = (
            *split_lines(dealt.facts),
            *(f"joined      {line}" for line in lines),
            *([f"broken rows skipped: {files.skipped:,}"] if files.skipped else []),
            *labels.notes(train),
            *inferred.lines(),
        )
        self.details = tuple(inferred.details())
        self.class_names = labels.class_names
        self.sizes_of_tasks = labels.sizes
        self.patterns = labels.patterns
        super().__init__(
            splits={name: whole.at(from_numpy(at)) for name, at in dealt.rows.items()},
            inputs=self.reader.inputs,
            tasks=dict.fromkeys(labels.targets, INPUT),
            source=Path(path).name,
            batching=batching,
        )
        if (kept := self.downsampling) is not None:
            self.shifts = {kept.target: kept.shift}
            said_of = kept.note(self.targets("train")[kept.target], binary[kept.target])
            self.notes = (*self.notes, said_of)
        if self.parts.has_row:
            own = self.splits["train"]
            rows = cast(Tensor | Fields | Joint, own.inputs[INPUT])
            of_trees = (self.reader.columns, rows, own.targets, own.weights, reference)
            self.plain_table = PlainTable(*of_trees)

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        return {name: self.parts.prepared(x) for name, x in inputs.items()}

    def augment(self, batch: Batch, draw: torch.Generator) -> Batch:
        own = {name: self.parts.augmented(x, draw) for name, x in batch.inputs.items()}
        return replace(batch, inputs=own)
