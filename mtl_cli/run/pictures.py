"""Pictures that metrics draw of themselves: confusion matrices, ROC curves."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Mapping
from typing import Any

from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.curves import MOST_TASKS
from mtl_cli.drawing.files import save
from mtl_cli.task.base import Task

READABLE = 40  # classes, beyond which the numbers in the cells of a matrix overlap


def draw_metrics(
    tasks: Mapping[str, Task],
    seen: Collection[str],
    class_names: Mapping[str, list[str]],
    folder: RunFolder,
    title: str,
) -> None:
    """Draws ``plots/<task>_<name>.png`` of each task's ``plots``, as they stand after test; of very
    many tasks those of the first.

    Args:
        tasks: the tasks by name.
        seen: those that had labels in test.
        class_names: ``{task: the names of its classes}``, where they have names.
        folder: where the pictures go.
        title: stands above each.
    """
    for name in list(seen)[:MOST_TASKS]:
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
