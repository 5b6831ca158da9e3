"""What a program gives of a task: what `mtl-predict` writes, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from mtl_cli.task.base import Task
from mtl_cli.task.maps import MapTask
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.task.segmentation import Segmentation
from mtl_cli.task.two_classes import TwoClasses
from mtl_cli.trained.predictions import columns_of


@dataclass(frozen=True)
class Answer:
    """A tensor that a program gives.

    Args:
        name: ``<task>``, or ``p(<task>)``.
        task: that it is of.
        meaning: what it holds.
        classes: names of what its whole numbers stand for, from 0; or, where it holds truth values,
            of each.
        columns: of each number of an example, the column of `mtl-predict`.
    """

    name: str
    task: str
    meaning: str
    classes: Sequence[str] = ()
    columns: Sequence[str] = ()

    def said(self, like: Tensor) -> dict[str, Any]:
        """All of it as plain data; ``like`` is such a tensor."""
        own: dict[str, Any] = {"name": self.name, "task": self.task}
        own |= {"shape": ["batch", *like.shape[1:]], "type": str(like.dtype).removeprefix("torch.")}
        own |= {"meaning": self.meaning}
        own |= {"classes": list(self.classes)} if self.classes else {}
        return own | ({"columns": list(self.columns)} if self.columns else {})


@singledispatch
def answer(task: Task, prediction: Tensor) -> list[Tensor]:
    """The tensors, in the order of `answers`.

    Args:
        task: of the model.
        prediction: what it predicts, [B, O, ...].
    """
    return [prediction.flatten(1)]


@answer.register
def _(task: Multiclass, prediction: Tensor) -> list[Tensor]:
    return [prediction.argmax(1), prediction]


@answer.register
def _(task: Ordinal, prediction: Tensor) -> list[Tensor]:
    return [task.median(prediction), prediction]


@answer.register
def _(task: TwoClasses, prediction: Tensor) -> list[Tensor]:
    own = prediction.reshape(-1, 1)
    return [(own[:, 0] > 0.5).long(), own]


@answer.register
def _(task: Multilabel, prediction: Tensor) -> list[Tensor]:
    return [prediction > 0.5, prediction]


@answer.register
def _(task: MapTask, prediction: Tensor) -> list[Tensor]:
    return [task.answer(prediction)]


def answers(task: Task, names: Sequence[str]) -> list[Answer]:
    """What there is to say of these tensors.

    Args:
        task: of the model.
        names: of its classes or numbers, as far as they have some.
    """
    if isinstance(task, MapTask):
        return [Answer(task.name, task.name, *of_pixels(task, names))]
    example = torch.zeros(1, task.out_features)
    columns = [name for name, _ in columns_of(task, example, names)]
    if not task.of_classes:
        many = "the value, in the unit of the labels"
        return [Answer(task.name, task.name, many, columns=columns)]
    first, *probabilities = columns
    classes = [*names, *map(str, range(len(names), max(2, task.num_classes)))]
    chances = f"how probable each class is: {', '.join(probabilities[:3])}"
    chances += ", …" * (len(probabilities) > 3)
    return [
        Answer(first, task.name, said_of_classes(task), classes),
        Answer(f"p({task.name})", task.name, chances, columns=probabilities),
    ]


def said_of_classes(task: Task) -> str:
    """What stands for the classes of an example."""
    if isinstance(task, Multilabel):
        return "which labels it has: those of more than 0.5"
    if isinstance(task, Ordinal):
        return "the number of the class in the middle, by the probabilities"
    return "the number of the likeliest class"


def of_pixels(task: MapTask, names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """What a map holds, and the names of its classes."""
    if isinstance(task, Segmentation):
        return "the likeliest class of each pixel", [
            *names,
            *map(str, range(len(names), task.num_classes)),
        ]
    what = {
        "numbers": "the value of each pixel, in the unit of the labels",
        "shares": "how probable the second class is, of each pixel",
        "directions": "a vector of length 1 for each pixel: x, y, z, height, width",
    }
    return what[task.shown_as], []
