"""The floor: what can be predicted without an input, which a model has to beat.

The mean of a regression, the most frequent class with the share of each as its probability: what
scikit-learn's DummyRegressor and DummyClassifier (strategy="prior") predict.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.task.base import Task
from mtl_cli.training.stand_in import StandIn


class Floor(StandIn):
    """The same prediction for every example, learned from the train labels.

    Args:
        tasks: ``{name: task}``; those without labels are left out.
        targets: ``{task: its train labels}``.
        device: where the outputs are to be.
    """

    def __init__(
        self, tasks: Mapping[str, Task], targets: Mapping[str, Tensor], device: torch.device
    ) -> None:
        found = {name: task.prior(targets[name].cpu()) for name, task in tasks.items()}
        priors = {name: prior for name, prior in found.items() if prior is not None}
        super().__init__({name: tasks[name] for name in priors}, device)
        self.priors = priors

    def predict(self, task: Task, x: Examples) -> Tensor:
        prior = self.priors[task.name]
        return prior.expand(len(x), *prior.shape[1:])
