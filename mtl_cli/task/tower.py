"""A tower: a head without labels of its own, whose output the loss of another task reads."""

from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Parts, Task


class Tower(Task):
    """One number an example, [B, 1]. It is neither measured nor predicted.

    Args:
        parts: what every task has.

    Raises:
        ValueError: where it has a loss, for which there are no labels.
    """

    usual_loss = "none"
    has_labels: ClassVar[bool] = False

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, out_features=1)
        if self.trained or parts.metrics or parts.plots:
            rule = "is a tower: it has no labels for a loss or a metric"
            fix = f"{parts.slot}.loss=none, without metrics and plots"
            raise problem(parts.slot, rule, type(parts.loss).__name__, fix)

    def is_labelled(self, target: Tensor) -> Tensor:
        return torch.zeros_like(target, dtype=torch.bool)

    def predict(self, output: Tensor) -> Tensor:
        return output

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size)
