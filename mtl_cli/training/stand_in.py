"""What gives outputs as a model does without being one, and is scored as models are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from mtl_cli.basis.batch import Examples
from mtl_cli.task.base import Task


class StandIn(nn.Module, ABC):
    """Predictions for some tasks, as the outputs of heads that would predict them.

    Args:
        tasks: ``{name: task}``, those that it predicts.
        device: where the outputs are to be.
    """

    def __init__(self, tasks: Mapping[str, Task], device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.__dict__["tasks"] = dict(tasks)  # not its own modules: they stay as they are

    tasks: dict[str, Task]

    @abstractmethod
    def predict(self, task: Task, x: Examples) -> Tensor:
        """What it predicts, [B, O, ...], in the unit of the task's metrics."""

    def forward(self, inputs: Mapping[str, Examples], tasks: Collection[str]) -> dict[str, Tensor]:
        """``{task: [B, O, ...]}`` of those of ``tasks`` whose input is there."""
        return {
            name: task.output_of(self.predict(task, inputs[task.input])).to(self.device)
            for name, task in self.tasks.items()
            if name in tasks and task.input in inputs
        }
