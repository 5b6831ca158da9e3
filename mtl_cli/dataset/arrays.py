"""Inputs and targets as arrays of any shape: of files, or handed over in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.array_labels import (
    groups_of,
    inputs_of,
    size_of,
    weights_of,
)
from mtl_cli.dataset.columns.label_checks import check_train_targets
from mtl_cli.dataset.columns.sample_space import space_columns
from mtl_cli.dataset.columns.target import CLASSES
from mtl_cli.dataset.columns.target_options import targets_of
from mtl_cli.dataset.files.array_files import FORMATS
from mtl_cli.dataset.files.arrays import HANDED, load_arrays
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.downsampled import DownsampledDataset, Downsampling
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.prepared.stored import Kept, Stored
from mtl_cli.dataset.readers.arrays import ArrayReader, labels_in
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.facts import lines_of
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.tables.target_notes import about_labels


class Arrays(DownsampledDataset):
    """An input for each array that is none of a target; numbers are taken as they are.

    Bytes, as pictures have them, are divided by 255. Inputs of bytes or single precision that lie
    in a file as they are stay there, and may be larger than memory; an
    ``.npz`` is read whole. A missing label is NaN, or -1 of a class.

    Args:
        path: an ``.npz``, ``.safetensors`` or HDF5 file (``.h5``, ``.hdf5``), or a folder of
            ``.npy`` files, each an array by its name.
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
            raise problem("dataset.path", f"must be {FORMATS}", "none", fix)
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
        lying = {name: where_it_lies(x, arrays[name]) for name, x in given.items()}
        labels = labels_in(said, arrays)
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
        said_of: list[str] = []
        for task, own in said.items():
            size = 2 if own.kind == "binary" else size_of(own.kind, labels[task])
            names = [str(k) for k in range(size)]
            check_train_targets(task, own.kind, names, labels[task][rows["train"]])
            said_of.append(about_labels(task, own.kind, names, labels[task][rows["train"]]))
        self.drawn, self.dealt = dealt.drawn, dealt.facts
        self.notes = (*lines_of(dealt.facts), *said_of)
        binary = {task: ["0", "1"] for task, own in said.items() if own.kind == "binary"}
        self.downsampling = kept = Downsampling.of(downsample, binary)
        if kept is not None:
            self.shifts = {kept.target: kept.shift}
            there = labels[kept.target][rows["train"]]
            self.notes = (*self.notes, kept.note(there, binary[kept.target]))
        self.sizes_of_tasks = {t: size_of(own.kind, labels[t]) for t, own in said.items()}
        self.reader = ArrayReader(
            {name: tuple(x.shape[1:]) for name, x in given.items()},
            [name for name, x in given.items() if x.dtype == torch.uint8],
            *(said, self.sizes_of_tasks, carried),
        )
        groups = {name: groups_of(name, arrays[name]) for name in carried}
        whole = Rows(lying, labels, weights, groups)
        super().__init__(
            splits={split: whole.at(at) for split, at in rows.items()},
            inputs=self.reader.inputs,
            tasks=dict.fromkeys(said, read[0]),
            source=Path(path).name,
            batching=batching,
        )

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        return {
            name: x.float() / 255 if isinstance(x, Tensor) and x.dtype == torch.uint8 else x
            for name, x in inputs.items()
        }


def where_it_lies(x: Tensor, array: np.ndarray) -> Kept:
    """An input made of an array; where that is a file's, and this no copy, it stays there."""
    lies_there = isinstance(array, np.memmap) and np.may_share_memory(x.numpy(), array)
    return Stored(x, torch.arange(len(x))) if lies_there else x


def as_column(array: np.ndarray) -> Any:
    """An array [N] as a column, by which examples are dealt."""
    import pyarrow

    return pyarrow.chunked_array([pyarrow.array(array)])
