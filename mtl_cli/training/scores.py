"""The metrics of an evaluation, of one process or of several that each read a part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.metric.measuring import update_each
from mtl_cli.task.base import Task
from mtl_cli.training import by_number

if TYPE_CHECKING:
    from torchmetrics import Metric

Seen = tuple[Tensor, Tensor, dict[str, Tensor]]  # predictions, labels, groups


class Scores:
    """Shows examples to the metrics of some tasks.

    What processes saw apart is put together by the states of the metrics, as each of these says
    that its states are reduced; a metric whose value is of whole batches sees those of all.

    Args:
        tasks: ``{name: task}``.
        plots: whether the metrics that draw themselves see the examples too.
        numbers: whether those of each of several numbers do, which `by_number` reads.
        device: where predictions are.
    """

    def __init__(
        self, tasks: Mapping[str, Task], plots: bool, numbers: bool, device: torch.device
    ) -> None:
        self.tasks = tasks
        self.device = device
        self.numbered = tasks.values() if numbers else ()
        self.apart: dict[str, list[Metric]] = {}
        self.whole: dict[str, list[Metric]] = {}
        self.seen: dict[str, Seen] = {}  # of the batch in progress
        for name, task in tasks.items():
            metrics = [*task.metrics.values(), *(task.plots.values() if plots else ())]
            for metric in metrics:
                metric.to(device).reset()
            several = ranks.size() > 1
            if several:
                for own in (part for metric in metrics for part in metric.modules()):
                    own._to_sync = False  # which is done here
            self.apart[name] = [m for m in metrics if not several or adds_up(m)]
            self.whole[name] = [m for m in metrics if several and not adds_up(m)]
        by_number.start(self.numbered, device)

    def see(
        self,
        name: str,
        output: Tensor,
        target: Tensor,
        complete: bool,
        groups: dict[str, Tensor],
    ) -> None:
        """Shows a task's output of a batch; ``groups`` are those of the rows with a label."""
        task = self.tasks[name]
        prediction, label = task.score(output, target, complete)
        update_each(self.apart[name], prediction, label, groups)
        if self.whole[name]:
            self.seen[name] = prediction, label, groups
        if self.numbered:
            by_number.update(task, output, target)

    def end_batch(self) -> None:
        """Called after each batch, in all processes."""
        if not any(self.whole.values()):
            return
        seen, self.seen = moved(self.seen, torch.device("cpu")), {}
        everybody = moved(ranks.everybodys(seen), self.device)
        for name, metrics in self.whole.items():
            if parts := [own[name] for own in everybody if name in own]:
                predictions, labels, groups = zip(*parts, strict=True)
                joint = {by: torch.cat([own[by] for own in groups]) for by in groups[0]}
                update_each(metrics, torch.cat(predictions), torch.cat(labels), joint)

    def merge(self) -> None:
        """Called after the last batch: the metrics have then seen what all processes saw."""
        if ranks.size() == 1:
            return
        several = [m for task in self.numbered for own in task.numbers for m in own.values()]
        merge([*(metric for own in self.apart.values() for metric in own), *several])


def adds_up(metric: Metric) -> bool:
    """Whether the states of a metric that saw parts of a batch say what that of the batch does.

    They do where it says that a batch is all that an update reads, and has lists alone and what is
    a sum or an extreme over the parts.
    """
    from torchmetrics.utilities.data import dim_zero_max, dim_zero_min, dim_zero_sum

    if not getattr(metric, "adds_up", True) or any(metric.children()):
        return False
    merged = (dim_zero_sum, dim_zero_max, dim_zero_min)
    known = all(
        isinstance(metric._defaults[name], list) or reduce in merged
        for name, reduce in metric._reductions.items()
    )
    return known and metric.full_state_update is False


def merge(metrics: Sequence[Metric]) -> None:
    """Puts the states of all processes into each metric; see torchmetrics' ``_sync_dist``.

    That one waits for ever where a process saw nothing of what others keep as a list.
    """
    here = [(m._update_count, {name: getattr(m, name) for name in m._reductions}) for m in metrics]
    everybody = ranks.everybodys(moved(here, torch.device("cpu")))
    for number, metric in enumerate(metrics):
        found = [own[number] for own in everybody if own[number][0]]
        if not found:
            continue
        for name, reduce in metric._reductions.items():
            values = moved([state[name] for _, state in found], metric.device)
            if isinstance(values[0], list):
                merged: Any = [x for value in values for x in value]
            else:
                stacked = torch.stack(values)
                merged = stacked if reduce is None else reduce(stacked)  # type: ignore[operator]
            setattr(metric, name, merged)
        metric._update_count, metric._computed = sum(count for count, _ in found), None


def moved(value: Any, device: torch.device) -> Any:
    """What is made of tensors, on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: moved(own, device) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(moved(own, device) for own in value)
    return value
