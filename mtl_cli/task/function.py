"""A function to minimise: the loss reads the head's output alone, and there are no labels."""

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_integer
from mtl_cli.task.base import Parts, Task


class Function(Task):
    """A test function of optimisation. Its target is one zero an example, and means nothing."""

    usual_loss = "toy"

    def __init__(self, parts: Parts, num_outputs: int) -> None:
        check_integer(f"{parts.slot}.num_outputs", num_outputs, 1, f"{parts.slot}.num_outputs=2")
        super().__init__(parts, num_outputs)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def predict(self, output: Tensor) -> Tensor:
        return output

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size)
