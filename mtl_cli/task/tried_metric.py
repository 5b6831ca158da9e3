"""Whether a metric fits a task: it is tried on made-up labels."""

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem

if TYPE_CHECKING:
    from torchmetrics import Metric


def try_metric(metric: "Metric", slot: str, kind: str, prediction: Tensor, label: Tensor) -> None:
    """Refuses a metric that cannot read the task, or gives several numbers.

    Args:
        metric: which is reset.
        slot: where it stands, ``tasks.<task>.metrics.<name>``.
        kind: of the task, with the article.
        prediction, label: made up.
    """
    groups = [torch.zeros_like(label)] if hasattr(metric, "by") else []  # it reads within groups
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the labels are all alike
        try:
            metric.update(prediction, label, *groups)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            found = f"{type(metric).__name__}: {str(error).splitlines()[0]}"
            fix = f"other options of it, or '~{slot}'"
            raise problem(slot, f"must fit {kind} task", found, fix) from error
        size = 1
        with suppress(RuntimeError, ValueError):  # made-up labels may be too few
            size = torch.as_tensor(metric.compute()).numel()
    metric.reset()
    if size != 1:
        task = slot.removeprefix("tasks.").partition(".metrics.")[0]
        fix = f"an average of them, or a metric that draws itself: tasks.{task}.plots"
        raise problem(slot, "must give one number", f"{size} numbers", fix)
