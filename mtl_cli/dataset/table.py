"""A user's own table: one row an example, some columns to predict from, others to predict.

Numbers are standardised by the train rows, categories become codes, and each target is a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, from_numpy

from mtl_cli.basis.errors import check_choice, check_integer, problem
from mtl_cli.dataset.columns.features import read_weights
from mtl_cli.dataset.columns.splits import draw_missing, split_by_column
from mtl_cli.dataset.files.parts import ReadOptions, check_columns
from mtl_cli.dataset.memory.fitted import fitted
from mtl_cli.dataset.memory.in_memory import InMemoryDataset, Rows
from mtl_cli.dataset.readers.table import INPUT, TableReader
from mtl_cli.dataset.tables.inference import Inference
from mtl_cli.dataset.tables.plain import PlainTable
from mtl_cli.dataset.tables.read import read_tables
from mtl_cli.dataset.tables.targets import TableTargets

TYPES = ["number", "category", "drop"]


class Table(InMemoryDataset):
    """Input ``row``; a task for each target, or for each value of ``task_column``.

    A column is a number where all its cells are, else a category; one that is constant in train,
    or text that differs in most rows, is dropped. A target's column is no input, nor are those
    that say a row's split, weight or task. A cell that is blank or ``?`` is missing: of a number,
    it counts as the mean, and a second number says so; of a category, it has the code of unknown
    ones; of a target, it is a missing label.

    Args:
        path: a CSV, TSV, JSON Lines, Parquet or ``.npz`` file, a folder of them, or a glob.
        test_path: the same for the test split; None: it is a part of ``path``'s rows.
        targets: ``{task: regression, binary, multiclass or multilabel}``.
        target_columns: ``{task: its column}``, where that is called otherwise than the task.
        label_columns: ``{multilabel task: its columns}``, of zeros and ones.
        label_maps: ``{task: {label: class}}``; ``*`` stands for all other labels, null for none.
        types: ``{column: number, category or drop}``, where it should not be inferred.
        drop: columns that are not read from.
        min_count: categories that fewer train rows have count as unknown, which trains its code.
        split_column: says ``train``, ``val`` or ``test`` in each row.
        weight_column: how much each row counts in the losses, from 0.
        task_column: makes the one target a task for each of its values, called by that value.
        header, columns, delimiter, quote, encoding, on_bad_row: see `ReadOptions`.
        val_fraction: the share of rows that become val, where no column says it.
        test_fraction: the share of rows that become test, where no column or file says it.
        seed: of the draw, which is in proportion to the classes of the first such target.
        batch_size: ``auto`` (see `fitted`), or as of `InMemoryDataset`.
        eval_batch_size, shuffle, drop_last: see `InMemoryDataset`.
        reference: up to how many train labels x classes, in all, trees are trained on them too.
    """

    def __init__(
        self,
        path: str | None,
        test_path: str | None,
        targets: Mapping[str, str] | None,
        target_columns: Mapping[str, str] | None,
        label_columns: Mapping[str, Sequence[str]] | None,
        label_maps: Mapping[str, Mapping[Any, Any]] | None,
        types: Mapping[str, str] | None,
        drop: Sequence[str] | None,
        min_count: int,
        split_column: str | None,
        weight_column: str | None,
        task_column: str | None,
        header: bool,
        columns: Sequence[str] | None,
        delimiter: str | None,
        quote: str | None,
        encoding: str,
        on_bad_row: str,
        val_fraction: float,
        test_fraction: float,
        seed: int,
        batch_size: int | str | None,
        eval_batch_size: int,
        shuffle: bool,
        drop_last: bool,
        reference: int,
    ) -> None:
        if path is None:
            fix = "dataset.path=my.csv 'dataset.targets={income: binary, age: regression}'"
            raise problem("dataset.path", "must be a file, a folder or a glob", "none", fix)
        types, drop = types or {}, drop or []
        for column, kind in types.items():
            fix = f"'dataset.types={{{column}: category}}'"
            check_choice(f"dataset.types.{column}", kind, TYPES, fix)
        check_integer("dataset.min_count", min_count, 1, "dataset.min_count=2")
        check_integer("dataset.reference", reference, 0, "dataset.reference=0")
        labels = TableTargets(
            targets or {}, target_columns or {}, label_columns or {}, label_maps or {}, task_column
        )
        options = ReadOptions("dataset", delimiter, header, columns, encoding, quote, on_bad_row)
        said = [column for column, kind in types.items() if kind == "category"]
        as_text = [*said, *labels.text_columns(), split_column, task_column]
        paths = [path] if test_path is None else [path, test_path]
        table, place, counts = read_tables(paths, options, filter(None, as_text))
        there = table.column_names
        check_columns(there, types, "dataset.types")
        check_columns(there, drop, "dataset.drop")
        check_columns(there, filter(None, [split_column]), "dataset.split_column")
        check_columns(there, filter(None, [weight_column]), "dataset.weight_column")
        labels.read(table, place)

        named = np.where(np.arange(len(table)) < counts[0], "train", "test")
        if split_column is not None:
            cells = table.column(split_column).slice(0, counts[0])
            for split, positions in split_by_column(cells, place, "dataset").items():
                named[positions] = split
        rows_of = draw_missing(named, val_fraction, test_fraction, seed, labels.strata, "dataset")
        self.drawn = [split for split in ("val", "test") if split not in named]
        labels.check(rows_of["train"])

        inferred = Inference(place, rows_of["train"], types, min_count)
        used = {*labels.columns(), *drop, split_column, weight_column, task_column}
        for name in there:
            if name not in used:
                inferred.learn(name, table.column(name))
        if not inferred.learned:
            rule, found = "must have a column to learn from", "\n".join(["", *inferred.lines()])
            raise problem("dataset", rule, found, "other columns; or say in dataset.types what is")

        kept = vars(options)
        reader = TableReader(
            inferred.learned, kept, labels.known, task_column, labels.groups, weight_column
        )
        rows = reader.rows(len(table), (inferred.codes[own.name] for own in reader.columns))
        weights = None
        if weight_column is not None:
            cells = table.column(weight_column)
            weights = read_weights(weight_column, cells, place, "dataset.weight_column=null")
        self.notes = (
            *([f"broken rows skipped: {options.skipped:,}"] if options.skipped else []),
            *labels.notes(rows_of["train"]),
            *inferred.lines(),
        )
        self.reader = reader
        self.class_names = labels.class_names
        self.sizes_of_tasks = labels.sizes
        self.patterns = labels.patterns

        def part(positions: np.ndarray) -> Rows:
            at = from_numpy(positions)
            own = {task: target[at] for task, target in labels.targets.items()}
            return Rows(
                {INPUT: rows.index_select(0, at)},
                own,
                {} if weights is None else dict.fromkeys(own, weights[at]),
            )

        super().__init__(
            splits={split: part(positions) for split, positions in rows_of.items()},
            inputs=reader.inputs,
            tasks=dict.fromkeys(labels.targets, INPUT),
            source=Path(path).name,
            batch_size=fitted(batch_size, len(rows_of["train"])),
            eval_batch_size=eval_batch_size,
            shuffle=shuffle,
            drop_last=drop_last,
        )
        train = self.splits["train"]
        features = train.inputs[INPUT]
        assert isinstance(features, Tensor)
        self.plain_table = PlainTable(
            reader.numbers, reader.categories, features, train.targets, train.weights, reference
        )
