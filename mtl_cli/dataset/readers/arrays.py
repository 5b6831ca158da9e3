"""Reads new arrays of files: inputs of the shapes that training read, labels as it read them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.columns.array_labels import (
    groups_of,
    inputs_of,
    labels_of,
    size_of,
    weights_of,
)
from mtl_cli.dataset.columns.sample_space import space_columns, spaces_first
from mtl_cli.dataset.columns.target import only_in_group
from mtl_cli.dataset.columns.target_options import TargetOptions
from mtl_cli.dataset.files.array_files import read_one
from mtl_cli.dataset.files.arrays import load_arrays
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.disk.kinds import misfit

STATE = {"shapes": {str: [int]}, "of_bytes": [str], "targets": {str: dict}, "sizes": {str: int}}
STATE |= {"group_columns": [str]}


class ArrayReader(Reader):
    """Arrays by the names that training knew them by, as they are; bytes are divided by 255.

    Args:
        shapes: ``{input: the shape of an example}``.
        of_bytes: the inputs that were bytes; others are taken as they are, bytes or not.
        targets: ``{task: how its labels are read}``.
        sizes: ``{task: how many outputs it has}``.
        group_columns: arrays whose groups batches carry, for metrics within groups.
    """

    def __init__(
        self,
        shapes: Mapping[str, Sequence[int]],
        of_bytes: Collection[str],
        targets: Mapping[str, TargetOptions],
        sizes: Mapping[str, int],
        group_columns: Collection[str],
    ) -> None:
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.inputs = {name: Dense(shape) for name, shape in self.shapes.items()}
        self.of_bytes = list(of_bytes)
        self.targets = dict(targets)
        self.sizes = dict(sizes)
        self.group_columns = list(group_columns)

    def state(self) -> dict[str, Any]:
        return {
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "of_bytes": self.of_bytes,
            "targets": {task: asdict(own) for task, own in self.targets.items()},
            "sizes": self.sizes,
            "group_columns": self.group_columns,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ArrayReader:
        lost = [key for key in STATE if key not in state]
        if lost or (wrong := misfit(state, STATE)):
            rule = "must say how arrays are read"
            found = f"no {', '.join(lost)}" if lost else wrong
            raise problem("reader.json: state", rule, found, "another run, or train again")
        targets = {task: TargetOptions(**own) for task, own in state["targets"].items()}
        return cls(**{**state, "targets": targets})

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        try:
            one = path.suffix.lower() == ".npy" and path.is_file()  # which has no name of its own
            arrays = {input: read_one(path)} if one else load_arrays(str(path))
        except Problem as error:
            raise error.at("dataset.path", "input") from error
        chosen = {task: self.targets[task] for task in tasks}
        used = [name for own in chosen.values() for name in [*own.made_of(), own.weight] if name]
        used += space_columns(chosen) + (self.group_columns if chosen else [])
        check_columns(arrays, [input], "the model's input", "input")
        check_columns(arrays, used, "the labels", "input")
        array = arrays[input]
        self.check_shape(path, input, array)
        labels = labels_in(chosen, arrays)
        for task, found in labels.items():
            self.check_size(task, found)
        weights = {t: weights_of(own.weight, arrays) for t, own in chosen.items() if own.weight}
        groups = {name: groups_of(name, arrays[name]) for name in self.group_columns if chosen}
        for first in range(0, len(array), batch_size):
            part = slice(first, min(first + batch_size, len(array)))
            rows = np.arange(part.start, part.stop) + 1
            yield NewExamples(
                {"file": [path.name] * len(rows), "row": rows},
                {input: self.as_read(input, np.asarray(array[part]))},
                {task: own[part] for task, own in labels.items()},
                {task: own[part] for task, own in weights.items()},
                groups={name: own[part] for name, own in groups.items()},
            )

    def as_read(self, input: str, array: np.ndarray) -> Examples:
        """Some of an array, as the model reads it."""
        x = inputs_of(input, array)
        return x.float() / 255 if input in self.of_bytes and array.dtype == np.uint8 else x.float()

    def check_shape(self, path: Path, input: str, array: np.ndarray) -> None:
        """Refuses examples of another shape than the model reads."""
        shape = self.shapes[input]
        given = tuple(array.shape[1:]) or (1,)
        if given != shape or not array.ndim:
            rule = f"must be [N, {', '.join(map(str, shape))}], as training read it"
            raise problem(f"{input} of {path}", rule, str(list(array.shape)), "such an array")

    def check_size(self, task: str, labels: Tensor) -> None:
        """Refuses labels that the model has no output for."""
        own, known = self.targets[task], self.sizes[task]
        found = size_of(own.kind, labels) if len(labels) else known
        is_wrong = found != known if labels.dim() == 2 else found > known
        if is_wrong:
            thing = f"the labels {', '.join(own.made_of())}"
            if labels.dim() == 2:
                raise problem(thing, f"must be [N, {known}]", f"[N, {found}]", "such labels")
            rule = f"must be classes 0 to {known - 1}, which the model knows"
            raise problem(thing, rule, f"{found - 1}", "-1 in their place, where they are missing")


def labels_in(
    targets: Mapping[str, TargetOptions], arrays: Mapping[str, np.ndarray]
) -> dict[str, Tensor]:
    """``{task: its labels}``; of a target with a sample space they are missing outside of it."""
    known: dict[str, Tensor] = {}
    for own in spaces_first(targets):
        known[own.task] = labels_of(own, arrays)
        if own.where is not None:
            space = TargetOptions(own.where, "binary")
            there = known[own.where] if own.where in known else labels_of(space, arrays)
            known[own.task] = only_in_group(known[own.task], there.eq(1).numpy())
    return {task: known[task] for task in targets}
