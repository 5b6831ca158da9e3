"""Some pictures of val, and what a trained model's tasks of the whole say of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.base import missing
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.files import save
from mtl_cli.drawing.labelled import Words, draw_labelled
from mtl_cli.model.mode import mode
from mtl_cli.run.build import Run
from mtl_cli.run.examples import first_examples, pictures
from mtl_cli.task.base import Task
from mtl_cli.task.maps import MapTask
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.training.evaluation import to_device

TIMES = 3  # as many pictures as of maps: each takes less room
MOST_LINES = 5  # of tasks, below a picture


def show_labelled(live: Run, count: int, folder: RunFolder, title: str) -> None:
    """Draws ``plots/labelled.png``, or a file for each input where there are several, of inputs
    that an eye can be shown.

    Args:
        live: trained, with its best weights.
        count: of pictures of maps (see `show_examples`), of which there are `TIMES` as many.
        folder: of the run.
        title: stands above them.
    """
    reads = live.model.arch.tasks  # of derived tasks none
    tasks = [n for n in reads if is_of_whole(live.model.tasks[n])]
    split = next((own for own in ("val", "test") if own in live.trainer.loaders), None)
    inputs = [own for own in dict.fromkeys(reads[n] for n in tasks) if is_picture(live, own)]
    for input in inputs if count and split is not None else ():
        batch = first_examples(live, split or "", input, TIMES * count)
        x = None if batch is None else batch.inputs[input]
        if batch is None or not isinstance(x, Tensor) or live.dataset.as_seen(input, x) is None:
            continue
        own = [name for name in tasks if reads[name] == input][:MOST_LINES]
        said = f"{title}\npictures of {split}" + f": {input}" * (len(inputs) > 1)
        make_folder(folder.plots)
        name = "labelled.png" if len(inputs) == 1 else file_name(f"labelled_{input}.png")
        drawn = draw_labelled(pictures(live.dataset, input, x), words(live, own, batch), said)
        save(drawn, folder.plots / name)


def is_of_whole(task: Task) -> bool:
    """Whether a task has one label for each example."""
    return task.has_labels and not isinstance(task, MapTask)


def is_picture(live: Run, input: str) -> bool:
    """Whether the examples of an input may be pictures."""
    spec = live.dataset.inputs[input]
    return isinstance(spec, Dense) and len(spec.shape) == 3


@torch.inference_mode()
def words(live: Run, tasks: Sequence[str], batch: Batch) -> list[list[Words]]:
    """What the tasks say of each picture, a line each."""
    with mode(live.model, training=False):
        outputs = live.model(to_device(batch.inputs, live.trainer.device), tasks)
    lines = []
    for name in tasks:
        task, names = live.model.tasks[name], live.dataset.class_names.get(name, [])
        prediction = task.predict(outputs[name].float()).cpu()
        label = batch.targets[name].cpu()
        found = [label_words(task, own, names) for own in answers(task, prediction)]
        pairs = zip(found, labels(task, label, names), strict=True)
        lines.append([line(task, *pair) for pair in pairs])
    return [list(own) for own in zip(*lines, strict=True)]


def line(task: Task, found: str, label: str) -> Words:
    """What is said of a picture, with the label where that is another."""
    wrong = bool(label) and task.of_classes and found != label
    beside = f" (label {label})" if label and found != label else ""
    return f"{task.name}: {found}{beside}", wrong


def answers(task: Task, prediction: Tensor) -> Tensor:
    """The likeliest classes [B], the labels that are on [B, L], or the numbers."""
    if not task.of_classes:
        return prediction
    if isinstance(task, Ordinal):
        return task.median(prediction)
    if isinstance(task, Multilabel):
        return prediction > 0.5
    alone = prediction.dim() == 1 or prediction.shape[1] == 1
    return (prediction.flatten() > 0.5).long() if alone else prediction.argmax(1)


def labels(task: Task, target: Tensor, names: Sequence[str]) -> list[str]:
    """Labels in words; empty where they are missing."""
    gone = missing(target).flatten(1).any(1) if target.dim() > 1 else missing(target)
    pairs = zip(target, gone.tolist(), strict=True)
    return ["" if no else label_words(task, own, names) for own, no in pairs]


def label_words(task: Task, own: Tensor, names: Sequence[str]) -> str:
    """One label, or one prediction, in words."""
    if isinstance(task, Multilabel):
        on = [k for k, there in enumerate(own.tolist()) if there]
        return "|".join(names[k] if k < len(names) else str(k) for k in on) or "none"
    if not task.of_classes:
        return ", ".join(f"{value:.3g}" for value in own.flatten().tolist())
    number = int(own)
    return names[number] if number < len(names) else str(number)
