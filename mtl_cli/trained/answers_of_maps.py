"""What a trained run's tasks of pixels say of new pictures, each at its own size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.run.run_data import RunData
from mtl_cli.task.base import Task
from mtl_cli.task.maps import MapTask
from mtl_cli.trained.new_data import frame_of
from mtl_cli.trained.predictions import columns_of

Outputs = Callable[[NewExamples, list[str]], dict[str, Tensor]]

PIXELS = 2**20  # of the pictures that a model reads at a time


def few(tasks: Mapping[str, Task], batch_size: int) -> int:
    """How many examples are read at a time: with tasks of pixels no more than so many pixels."""
    pixels = [task.size[0] * task.size[1] for task in tasks.values() if isinstance(task, MapTask)]
    return max(1, min(batch_size, PIXELS // max(pixels))) if pixels else batch_size


@torch.inference_mode()
def answers(task: MapTask, output: Tensor, part: NewExamples) -> list[np.ndarray]:
    """A map for each example, [H, W] or, of vectors, [C, H, W].

    Where a picture had another size than the model's, the output of the head is resized to it,
    bilinearly, before it becomes a class, a number or a direction.

    Args:
        task: of pixels.
        output: of its head, [B, O, H, W].
        part: the examples.
    """
    found = []
    sizes = part.sizes or [task.size] * len(part)
    for own, size in zip(output.split(1), sizes, strict=True):
        if tuple(own.shape[-2:]) != tuple(size):
            own = torch.nn.functional.interpolate(own, size, mode="bilinear", align_corners=False)
        found.append(task.answer(task.predict(own))[0].cpu().numpy())
    return found


def by_task(
    tasks: Mapping[str, Task],
    data: RunData,
    given: Mapping[str, Iterable[NewExamples]],
    outputs: Outputs,
) -> dict[str, Any]:
    """The predictions of each task: of pixels an array [N, ...], or a list of arrays where pictures
    differ in size; of examples a data frame, with the columns that `mtl-predict` writes.

    Args:
        tasks: of the model.
        data: says which input each reads, and names classes.
        given: ``{input: its examples, part by part}``.
        outputs: gives those of the heads of some tasks.
    """
    import pandas

    found: dict[str, list[Any]] = {t: [] for t, input in data.tasks.items() if input in given}
    for input, parts in given.items():
        own = [task for task in found if data.tasks[task] == input]
        for part in parts:
            for name, output in outputs(part, own).items():
                task = tasks[name]
                if isinstance(task, MapTask):
                    found[name] += answers(task, output, part)
                else:
                    names = data.class_names.get(name, [])
                    found[name].append(frame_of(columns_of(task, output, names)))
    whole: dict[str, Any] = {}
    for name, parts_of_task in found.items():
        if not isinstance(tasks[name], MapTask):
            whole[name] = pandas.concat(parts_of_task, ignore_index=True)
        else:
            alike = len({own.shape for own in parts_of_task}) == 1
            whole[name] = np.stack(parts_of_task) if alike else parts_of_task
    return whole
