"""What a run draws at its end: learning curves, and what metrics draw of themselves."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.confusion import READABLE, draw_confusion
from mtl_cli.drawing.files import save
from mtl_cli.drawing.heat_map import Array
from mtl_cli.drawing.page import Page, page, read_page
from mtl_cli.task.base import Task

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class Pictures:
    """What ``pictures.*`` sets.

    Args:
        curves: whether learning curves and weights are drawn.
        metrics: whether metrics draw themselves, after test.
        examples: how many pictures of val are drawn beside their maps, where tasks are of pixels.
        most_tasks: how many tasks are drawn, of more of them the first.
        format: of the files, ``png`` or ``pdf``.
        width: of a paper's column, ``85mm``; None: a screen.
    """

    curves: bool
    metrics: bool
    examples: int
    most_tasks: int
    format: str
    width: str | None

    def __post_init__(self) -> None:
        check_boolean("pictures.curves", self.curves)
        check_boolean("pictures.metrics", self.metrics)
        check_integer("pictures.examples", self.examples, 0, "pictures.examples=4")
        check_integer("pictures.most_tasks", self.most_tasks, 1, "pictures.most_tasks=12")
        read_page(self.format, self.width)

    @property
    def page(self) -> Page:
        """What they are drawn for."""
        return read_page(self.format, self.width)


def draw_metrics(
    tasks: Mapping[str, Task],
    seen: Collection[str],
    class_names: Mapping[str, list[str]],
    folder: RunFolder,
    title: str,
    most_tasks: int,
) -> None:
    """Draws ``plots/<task>_<name>.png`` of each task's ``plots``, as they stand after test; of very
    many tasks those of the first. Counts of confusion go to ``confusion.json`` as well.

    Args:
        tasks: the tasks by name.
        seen: those that had labels in test.
        class_names: ``{task: the names of its classes}``, where they have names.
        folder: where the pictures go.
        title: stands above each.
        most_tasks: that are drawn.
    """
    matrices: dict[str, dict[str, Any]] = {}
    for name in list(seen)[:most_tasks]:
        for what, metric in tasks[name].plots.items():
            said = f"{title}\n{name}: {what.replace('_', ' ')}, test"
            make_folder(folder.plots)
            path = folder.plots / file_name(f"{name}_{what}.png")
            classes = class_names.get(name) or []
            if is_confusion(metric):
                counts = metric.cpu().compute().numpy().astype(float)
                save(draw_confusion(counts, classes, said), path)
                matrices |= counted(name, counts, classes)
            else:
                draw_itself(metric, classes, said, path)
    if matrices:
        folder.write_json(folder.confusion, matrices)


def counted(task: str, counts: Array, classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """``{task: {"classes": names, "counts": [true][predicted]}}``; of several labels one for each.

    Nothing where there are more classes than can be read, or the metric makes shares of the counts.
    """
    names = list(classes) or [str(n) for n in range(len(counts))]
    if counts.ndim == 3:
        several = zip(names, counts, strict=False)
        parts = {f"{task}, {label}": (["no", "yes"], own) for label, own in several}
    else:
        parts = {task: (names, counts)}
    return {
        name: {"classes": own, "counts": matrix.astype(int).tolist()}
        for name, (own, matrix) in parts.items()
        if len(own) <= READABLE and (matrix == matrix.astype(int)).all()
    }


def is_confusion(metric: Metric) -> bool:
    from torchmetrics.classification import (
        BinaryConfusionMatrix,
        MulticlassConfusionMatrix,
        MultilabelConfusionMatrix,
    )

    kinds = (BinaryConfusionMatrix, MulticlassConfusionMatrix, MultilabelConfusionMatrix)
    return isinstance(metric, kinds)


def draw_itself(metric: Metric, classes: Sequence[str], title: str, path: Path) -> None:
    """A picture that the metric makes."""
    from matplotlib import pyplot

    takes = inspect.signature(metric.plot).parameters
    wishes: dict[str, Any] = {"labels": classes} if "labels" in takes and classes else {}
    with warnings.catch_warnings():  # torchmetrics hands tensors to matplotlib
        warnings.simplefilter("ignore", DeprecationWarning)
        figure, _ = metric.cpu().plot(**wishes)
    figure.suptitle(title, fontsize="small")
    width = page().width
    if width is None:
        save(figure, path, bbox_inches="tight")
    else:
        figure.set_layout_engine("constrained")
        figure.set_size_inches(width, 0.8 * width)
        save(figure, path)
    pyplot.close(figure)
