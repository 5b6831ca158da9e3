"""What tasks of two classes an example have in common; a missing label is NaN."""

from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.task.balance import class_weights
from mtl_cli.task.base import Parts
from mtl_cli.task.zero_one import ZeroOne


class TwoClasses(ZeroOne):
    """Two classes as floats 0 and 1, [B]; the output is the logit of the second, [B, 1]."""

    balances: ClassVar = ZeroOne.balances | {"alpha": class_weights}

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, out_features=1)

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        prediction, target = super().score(output, target, complete)
        return prediction, target.long()

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size)
