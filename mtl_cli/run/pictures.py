"""What a run draws at its end: learning curves, and what metrics draw of themselves."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.files import save
from mtl_cli.task.base import Task

READABLE = 40  # classes, beyond which the numbers in the cells of a matrix overlap


@dataclass(frozen=True)
class Pictures:
    """What ``pictures.*`` sets.

    Args:
        curves: whether learning curves and weights are drawn.
        metrics: whether metrics draw themselves, after test.
        most_tasks: how many tasks are drawn, of more of them the first.
    """

    curves: bool
    metrics: bool
    most_tasks: int

    def __post_init__(self) -> None:
        check_boolean("pictures.curves", self.curves)
        check_boolean("pictures.metrics", self.metrics)
        check_integer("pictures.most_tasks", self.most_tasks, 1, "pictures.most_tasks=12")


def draw_metrics(
    tasks: Mapping[str, Task],
    seen: Collection[str],
    class_names: Mapping[str, list[str]],
    folder: RunFolder,
    title: str,
    most_tasks: int,
) -> None:
    """Draws ``plots/<task>_<name>.png`` of each task's ``plots``, as they stand after test; of very
    many tasks those of the first.

    Args:
        tasks: the tasks by name.
        seen: those that had labels in test.
        class_names: ``{task: the names of its classes}``, where they have names.
        folder: where the pictures go.
        title: stands above each.
        most_tasks: that are drawn.
    """
    for name in list(seen)[:most_tasks]:
        for what, metric in tasks[name].plots.items():
            from matplotlib import pyplot

            takes = inspect.signature(metric.plot).parameters
            wishes: dict[str, Any] = {}
            names = class_names.get(name)
            if "labels" in takes and names:
                wishes["labels"] = names
            if "add_text" in takes:
                wishes["add_text"] = len(names or ()) <= READABLE
            with warnings.catch_warnings():  # torchmetrics hands tensors to matplotlib
                warnings.simplefilter("ignore", DeprecationWarning)
                figure, _ = metric.cpu().plot(**wishes)
            figure.suptitle(f"{title}\n{name}: {what.replace('_', ' ')}, test", fontsize="small")
            make_folder(folder.plots)
            save(figure, folder.plots / file_name(f"{name}_{what}.png"), bbox_inches="tight")
            pyplot.close(figure)
