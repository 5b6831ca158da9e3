"""The columns of a task for some examples, also of those that it says nothing of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.task.base import Task
from mtl_cli.task.maps import MapTask
from mtl_cli.trained.answers_of_maps import answers
from mtl_cli.trained.map_files import MapFiles
from mtl_cli.trained.predictions import Columns, columns_of


@torch.inference_mode()
def columns_for(
    task: Task,
    output: Tensor | None,
    part: NewExamples,
    names: Sequence[str],
    files: MapFiles | None = None,
) -> Columns:
    """The columns of a task; nothing stands in them where there is no output.

    Args:
        task: of the model.
        output: of its head, or None.
        part: the examples.
        names: of its classes.
        files: write its maps, where it is of pixels.
    """
    import pyarrow

    if isinstance(task, MapTask) and files is not None:
        if output is None:
            return files.nothing(task, len(part))
        return files.columns(task, answers(task, output, part), part, names)
    if output is not None:
        return columns_of(task, output, names)
    where = next(task.buffers(), torch.zeros(())).device
    like = columns_of(task, torch.zeros(1, task.out_features, device=where), names)
    return [(name, pyarrow.nulls(len(part), values.type)) for name, values in like]
