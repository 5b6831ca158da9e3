"""Some pictures of val, and what a trained model's tasks of pixels say of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch
from mtl_cli.dataset.base import Dataset
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.examples import TaskMaps, draw_examples
from mtl_cli.drawing.files import save
from mtl_cli.drawing.painting import Maps
from mtl_cli.model.mode import mode
from mtl_cli.run.build import Run
from mtl_cli.task.maps import MapTask
from mtl_cli.training.evaluation import to_device

COLORS = (1, 3)  # channels of a picture


def show_examples(live: Run, count: int, most_tasks: int, folder: RunFolder, title: str) -> None:
    """Draws ``plots/examples.png``, or a file for each input where tasks of pixels read several.

    Args:
        live: trained, with its best weights.
        count: pictures: the first ones of val (of test, where there is no val).
        most_tasks: that are drawn, of more of them the first.
        folder: of the run.
        title: stands above them.
    """
    tasks = {name: task for name, task in live.model.tasks.items() if isinstance(task, MapTask)}
    tasks = dict(list(tasks.items())[:most_tasks])
    split = next((own for own in ("val", "test") if own in live.trainer.loaders), None)
    if not tasks or not count or split is None:
        return
    reads = {name: live.model.arch.tasks[name] for name in tasks}
    inputs = list(dict.fromkeys(reads.values()))
    make_folder(folder.plots)
    for input in inputs:
        own = {name: tasks[name] for name, read in reads.items() if read == input}
        batch = first_examples(live, split, input, count)
        if batch is None:
            continue
        x = batch.inputs[input]
        assert isinstance(x, Tensor)
        said = f"{title}\nthe first pictures of {split}"
        if len(inputs) > 1:
            said += f": {input}"
        figure = draw_examples(pictures(live.dataset, input, x), maps(live, own, batch), said)
        name = "examples.png" if len(inputs) == 1 else file_name(f"examples_{input}.png")
        save(figure, folder.plots / name)


def first_examples(live: Run, split: str, input: str, count: int) -> Batch | None:
    """The first examples of an input."""
    for batch in live.loaders[split].batches(1):
        x = batch.inputs.get(input)
        if isinstance(x, Tensor) and x.dim() == 4:
            targets = {task: target[:count] for task, target in batch.targets.items()}
            return Batch({input: x[:count]}, targets)
    return None


def pictures(dataset: Dataset, input: str, x: Tensor) -> np.ndarray:
    """Examples as an eye sees them, [N, H, W, 3]; where nobody knows how, from their least to their
    greatest value, of one channel where they are not of three."""
    seen = dataset.as_seen(input, x)
    if seen is None:
        seen = x if x.shape[1] in COLORS else x[:, :1]
        low, high = seen.amin(), seen.amax()
        seen = (seen - low) / (high - low).clamp(min=1e-12)
    colors = seen.expand(-1, 3, -1, -1).movedim(1, -1)
    found: np.ndarray = colors.float().cpu().numpy()
    return found


@torch.inference_mode()
def maps(live: Run, tasks: Mapping[str, MapTask], batch: Batch) -> list[TaskMaps]:
    """Labels and predictions of the tasks that have labels there."""
    own = [name for name in tasks if name in batch.targets]
    with mode(live.model, training=False):
        outputs = live.model(to_device(batch.inputs, live.trainer.device), own)
    return [
        TaskMaps(
            name,
            Maps(
                tasks[name].shown_as,
                (
                    as_array(labels(batch.targets[name])),
                    as_array(tasks[name].answer(tasks[name].predict(outputs[name].float()))),
                ),
                live.dataset.class_names.get(name, ()),
            ),
            live.dataset.units.get(name, ""),
        )
        for name in own
    ]


def labels(target: Tensor) -> Tensor:
    """As `MapTask.answer` has them."""
    return target.squeeze(1) if target.dim() == 4 else target


def as_array(maps: Tensor) -> np.ndarray:
    found: np.ndarray = maps.cpu().numpy()
    return found
