"""Predictions as columns of a table: names of classes, their probabilities, values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Task
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.task.two_classes import TwoClasses

Columns = list[tuple[str, Any]]  # name and Arrow array of each; names need not differ


def columns_of(task: Task, output: Tensor, names: Sequence[str]) -> Columns:
    """What a task says of some examples, from the output of its head, [B, O].

    Args:
        task: of the model.
        output: of its head, [B, O].
        names: of its classes or numbers; those without one are called by their number.

    Raises:
        ValueError: where an example's output is a map, which no row can hold.
    """
    prediction = task.predict(output)
    if prediction.dim() > 2:
        rule = "must predict one row an example for a table"
        fix = "run.model(inputs), and run.tasks[name].predict(output) of what it gives"
        found = f"maps of {tuple(prediction.shape[1:])}"
        raise problem(f"tasks.{task.name}", rule, found, fix)
    values = prediction.reshape(len(prediction), -1).T.contiguous().cpu().numpy()  # [O, B]
    first = int(not task.of_classes)  # numbers are counted from 1
    last = max(2, len(values)) + first
    known = [*names, *map(str, range(len(names) + first, last))]
    return as_columns(task, values, known)


def distinct(beside: Columns, predicted: Mapping[str, Columns], tasks: Collection[str]) -> Columns:
    """All columns, no two of one name.

    The name of a task is that of its prediction; what else would be called so, the ``row`` of a
    file or a part of another task, gets ``_`` behind it.

    Args:
        beside: the columns that say which example a row is of.
        predicted: ``{task: its columns}``.
        tasks: of the model, whether they predict or not.
    """
    columns: Columns = []
    for task, own in [("", beside), *predicted.items()]:
        for name, values in own:
            taken = {other for other, _ in columns} | set(tasks) - {task}
            while name in taken:
                name += "_"
            columns.append((name, values))
    return columns


@singledispatch
def as_columns(task: Task, values: np.ndarray, names: list[str]) -> Columns:
    """Numbers: ``<task>``, or ``<task>_<name>`` of each, in the unit of the labels."""
    one = len(values) == 1
    named = zip(names, values, strict=False)
    return [(task.name if one else f"{task.name}_{name}", array(row)) for name, row in named]


@as_columns.register
def _(task: Multiclass, values: np.ndarray, names: list[str]) -> Columns:
    """``<task>``, the likeliest class, and ``p(<task>=<class>)`` of each."""
    likeliest = array(names[: len(values)]).take(array(values.argmax(0)))
    return [(task.name, likeliest), *probabilities(task, values, names)]


@as_columns.register
def _(task: Ordinal, values: np.ndarray, names: list[str]) -> Columns:
    """``<task>``, the class in the middle, and ``p(<task>=<class>)`` of each."""
    middle = task.median(torch.from_numpy(values).T)
    return [
        (task.name, array(names[: len(values)]).take(array(middle.numpy()))),
        *probabilities(task, values, names),
    ]


@as_columns.register
def _(task: TwoClasses, values: np.ndarray, names: list[str]) -> Columns:
    """``<task>``, the likelier class, and ``p(<task>=<class>)`` of the second.

    At exactly 0.5 it is the first, as torchmetrics counts it.
    """
    likelier = array(names[:2]).take(array((values[0] > 0.5).astype(np.int8)))
    return [(task.name, likelier), *probabilities(task, values, names[1:2])]


@as_columns.register
def _(task: Multilabel, values: np.ndarray, names: list[str]) -> Columns:
    """``<task>``, the labels above 0.5 with a ``|`` between, and ``p(<task>=<label>)``."""
    bits = np.packbits(values > 0.5, axis=0)  # [O / 8, B]
    patterns, which = np.unique(bits, axis=1, return_inverse=True)
    rows = np.unpackbits(patterns, axis=0, count=len(values)).T  # the different sets of labels
    texts = ["|".join(name for name, on in zip(names, row, strict=False) if on) for row in rows]
    chosen = array(texts).take(array(which.reshape(-1)))
    return [(task.name, chosen), *probabilities(task, values, names)]


def probabilities(task: Task, values: np.ndarray, names: Sequence[str]) -> Columns:
    return [
        (f"p({task.name}={name})", array(row)) for name, row in zip(names, values, strict=False)
    ]


def array(values: Any) -> Any:
    import pyarrow

    return values if isinstance(values, pyarrow.Array) else pyarrow.array(values)
