"""A function to minimise: the loss reads the head's output alone, and there are no labels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer
from mtl_cli.task.base import MakeHead, Task

if TYPE_CHECKING:
    from torchmetrics import Metric


class Function(Task):
    """A test function of optimisation. Its target is one zero an example, and means nothing."""

    usual_loss = "toy"

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        plots: Mapping[str, "Metric"],
        weight: float,
        num_outputs: int,
    ) -> None:
        check_integer(f"tasks.{name}.num_outputs", num_outputs, 1, f"tasks.{name}.num_outputs=2")
        super().__init__(name, input, head, loss, metrics, plots, weight, num_outputs)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def predict(self, output: Tensor) -> Tensor:
        return output

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size)
