"""Inputs and targets as arrays of any shape: of an ``.npz`` file, or handed over in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.columns.array_labels import (
    groups_of,
    inputs_of,
    labels_of,
    size_of,
    weights_of,
)
from mtl_cli.dataset.columns.label_checks import check_train_targets
from mtl_cli.dataset.columns.sample_space import space_columns, spaces_first
from mtl_cli.dataset.columns.target import CLASSES, only_in_group
from mtl_cli.dataset.columns.target_options import TargetOptions, targets_of
from mtl_cli.dataset.files.arrays import HANDED, load_arrays
from mtl_cli.dataset.files.parts import check_columns
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.downsampled import DownsampledDataset, Downsampling
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.facts import lines_of
from mtl_cli.dataset.splits.options import SplitOptions


class Arrays(DownsampledDataset):
    """An input for each array that is none of a target; numbers are taken as they are.

    Bytes, as pictures have them, are divided by 255. A missing label is NaN, or -1 of a class.

    Args:
        path: an ``.npz`` file.
        inputs: the arrays that are inputs; None: all that nothing else names. Tasks read the
            first one, unless ``tasks.<task>.input`` says another.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., "column": the array, "weight": the
            array of how much each example counts in its loss, "where": its sample space}}``.
        not_inputs: arrays that are none, where they are there: of targets that are left out.
        split: how examples are dealt; see `SplitOptions`. Its column is an array [N].
        batching: see `InMemoryDataset`.
        downsample: ``{binary target: {0 or 1: share}}``, of train examples; see `Downsampling`.
        group_columns: arrays whose groups batches carry, for metrics within groups; None: none.
    """

    def __init__(
        self,
        path: str | None,
        inputs: Sequence[str] | None,
        targets: Mapping[str, Any] | None,
        not_inputs: Sequence[str] | None,
        split: Mapping[str, Any],
        batching: Batching,
        downsample: Mapping[str, Mapping[Any, float]] | None,
        group_columns: Sequence[str] | None,
    ) -> None:
        if path is None:
            fix = f"dataset.path=my.npz, or in Python: {HANDED}"
            raise problem("dataset.path", "must be an .npz file", "none", fix)
        arrays = load_arrays(path)
        said = targets_of(targets, "'dataset.targets={y: multiclass}'")
        dealing = SplitOptions.of(split)
        used = [name for own in said.values() for name in [*own.made_of(), own.weight] if name]
        used += space_columns(said)
        by = [dealing.column] if dealing.column else []
        check_columns(arrays, used, "dataset.targets")
        check_columns(arrays, by, "dataset.split.column")
        check_columns(arrays, inputs or (), "dataset.inputs")
        check_columns(arrays, carried := list(group_columns or ()), "what a metric is by")
        gone = {*used, *by, *carried, *(not_inputs or ())}
        read = list(inputs or (name for name in arrays if name not in gone))
        if not read:
            rule, found = "must have an array to learn from", ", ".join(arrays)
            raise problem("dataset.inputs", rule, found, "an array that is no target")

        given = {name: inputs_of(name, arrays[name]) for name in read}
        known: dict[str, Tensor] = {}
        for own in spaces_first(said):
            known[own.task] = labels_of(own, arrays)
            if own.where is not None:
                space = TargetOptions(own.where, "binary")
                there = known[own.where] if own.where in known else labels_of(space, arrays)
                known[own.task] = only_in_group(known[own.task], there.eq(1).numpy())
        labels = {task: known[task] for task in said}
        weights = {t: weights_of(own.weight, arrays) for t, own in said.items() if own.weight}
        classes = [
            torch.nan_to_num(labels[task], nan=-1).long().numpy()
            for task, own in said.items()
            if own.kind in CLASSES
        ]
        count = len(arrays[read[0]])
        dealt = deal(
            dealing,
            np.full(count, ""),
            lambda name: as_column(arrays[name]),
            lambda i: f"example {i + 1}",
            classes[0] if classes else None,
            classes,
        )
        rows = {split: torch.from_numpy(at) for split, at in dealt.rows.items()}
        for task, own in said.items():
            names = [str(k) for k in range(size_of(own.kind, labels[task]))]
            check_train_targets(task, own.kind, names, labels[task][rows["train"]])
        self.drawn, self.dealt = dealt.drawn, dealt.facts
        self.notes = tuple(lines_of(dealt.facts))
        binary = {task: ["0", "1"] for task, own in said.items() if own.kind == "binary"}
        self.downsampling = kept = Downsampling.of(downsample, binary)
        if kept is not None:
            self.shifts = {kept.target: kept.shift}
            there = labels[kept.target][rows["train"]]
            self.notes = (*self.notes, kept.note(there, binary[kept.target]))
        self.sizes_of_tasks = {t: size_of(own.kind, labels[t]) for t, own in said.items()}
        groups = {name: groups_of(name, arrays[name]) for name in carried}
        whole = Rows({**given}, labels, weights, groups)
        super().__init__(
            splits={split: whole.at(at) for split, at in rows.items()},
            inputs={name: Dense(tuple(x.shape[1:])) for name, x in given.items()},
            tasks=dict.fromkeys(said, read[0]),
            source=Path(path).name,
            batching=batching,
        )

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        return {
            name: x.float() / 255 if isinstance(x, Tensor) and x.dtype == torch.uint8 else x
            for name, x in inputs.items()
        }


def as_column(array: np.ndarray) -> Any:
    """An array [N] as a column, by which examples are dealt."""
    import pyarrow

    return pyarrow.chunked_array([pyarrow.array(array)])
