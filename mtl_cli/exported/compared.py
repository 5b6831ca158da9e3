"""Whether an exported program gives what `mtl-predict` writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.exported.answers import Answer
from mtl_cli.exported.program import Program
from mtl_cli.exported.tried import Tried
from mtl_cli.task.base import Task
from mtl_cli.task.class_index import ClassIndex
from mtl_cli.task.maps import MapTask
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.task.zero_one import ZeroOne
from mtl_cli.trained.loaded_run import LoadedRun
from mtl_cli.trained.predictions import Columns, columns_of

FAR = 1e-5  # that a figure may be off, as a share of the largest of its column
CLOSE = 1e-4  # from where on a class is likelier than another by rounding alone

Run = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def largest_difference(run: LoadedRun, program: Program, saved: Run, tried: Tried) -> float:
    """How far the figures of a saved program are from those of `mtl-predict`, at most, as a share
    of the largest of each column; for all rows at once, and for the first one alone.

    Args:
        run: whose model was exported.
        program: as it was before.
        saved: as it was loaded again.
        tried: the rows.

    Raises:
        ValueError: where it is more than `FAR`, or a class is another.
    """
    part = NewExamples({}, {**tried.inputs})
    outputs = run.outputs(part, program.tasks)
    given = program.called(tried.given)
    found = saved(given)
    first = saved({name: x[:1] for name, x in given.items()})
    furthest = 0.0
    for name in program.tasks:
        task, names = run.tasks[name], run.data.class_names.get(name, [])
        own = [answer for answer in program.answers if answer.task == name]
        for gave, output in ((found, outputs[name]), (first, outputs[name][:1])):
            tensors = [gave[answer.name] for answer in own]
            away = difference(task, own, tensors, output, names)
            furthest = max(furthest, away)
            if not away <= FAR:
                rule = f"must give what mtl-predict gives, within {FAR:g}"
                what = f"{away:.1e} away, on {tried.of}"
                fix = "another format, or tasks=[<the others>]"
                raise problem(f"the exported program of task {name}", rule, what, fix)
    return furthest


def difference(
    task: Task,
    answers: Sequence[Answer],
    found: Sequence[Tensor],
    output: Tensor,
    names: Sequence[str],
) -> float:
    """How far the tensors of one task are from what it predicts; infinite where a class differs.

    Args:
        task: of the model.
        answers: what each tensor is.
        found: these, of the program.
        output: of the task's head, for the same rows.
        names: of its classes or numbers.
    """
    prediction = task.predict(output)
    sure = margin(task, prediction) > CLOSE
    unit = float(vars(task)["_buffers"].get("scale", torch.zeros(())).max())
    if isinstance(task, MapTask):
        [own], expected = found, task.answer(prediction)
        if own.dtype != expected.dtype or own.shape != expected.shape:
            return float("inf")
        if not own.is_floating_point():
            return float("inf") if (own != expected)[sure].any() else 0.0
        return away(own, expected, 1.0 if task.of_classes else unit)
    columns = columns_of(task, output, names)
    if not task.of_classes:
        return away(found[0], matrix(columns), unit)
    label, *others = columns
    rows = shown(answers[0], found[0])
    differ = np.array([a != b for a, b in zip(rows, label[1].to_pylist(), strict=True)])
    if differ[sure.reshape(len(sure), -1).all(1).numpy()].any():
        return float("inf")
    return away(found[1], matrix(others), 1.0)


def matrix(columns: Columns) -> Tensor:
    """Columns side by side, [B, C]."""
    return torch.from_numpy(np.stack([own.to_numpy(zero_copy_only=False) for _, own in columns], 1))


def away(found: Tensor, expected: Tensor, unit: float) -> float:
    """How far numbers are off: as a share of the largest of their column, or of the unit where that
    is greater."""
    if found.shape != expected.shape or not expected.numel():
        return float("inf")
    a, b = found.double(), expected.double()
    if (a.isfinite() != b.isfinite()).any():
        return float("inf")
    off, size = (x.nan_to_num().abs() for x in (a - b, b))
    largest = (size.flatten(2).amax((0, 2)) if b.dim() > 2 else size.amax(0)).clamp(min=unit)
    scale = torch.where(largest > 0, largest, 1.0).view(-1, *[1] * (b.dim() - 2))
    return float((off / scale).max())


def shown(answer: Answer, found: Tensor) -> list[str]:
    """The classes of examples as `mtl-predict` writes them."""
    if found.dtype == torch.bool:
        every = [zip(answer.classes, row, strict=True) for row in found.tolist()]
        return ["|".join(name for name, on in row if on) for row in every]
    return [answer.classes[number] for number in found.tolist()]


@singledispatch
def margin(task: Task, prediction: Tensor) -> Tensor:
    """By how much what is likeliest is likelier than the rest, from what a task predicts; infinite
    where it predicts no class."""
    return torch.full(prediction[:, :1].shape, float("inf"))


@margin.register
def _(task: ClassIndex, prediction: Tensor) -> Tensor:
    first, second = prediction.topk(2, dim=1).values.unbind(1)
    return first - second


@margin.register
def _(task: Ordinal, prediction: Tensor) -> Tensor:
    return (prediction[:, :-1].cumsum(1) - 0.5).abs().amin(1, keepdim=True)


@margin.register
def _(task: ZeroOne, prediction: Tensor) -> Tensor:
    own = prediction.reshape(len(prediction), -1) if prediction.dim() < 3 else prediction
    return (own - 0.5).abs()
