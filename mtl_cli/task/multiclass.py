"""Classification: one of several classes, as an integer; a missing label is -1."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_cli.errors import check_integer, problem
from mtl_cli.task.base import MakeHead, Task

if TYPE_CHECKING:
    from torchmetrics import Metric


class Multiclass(Task):
    """One of C classes as an integer from 0, [B]; the head gives C logits."""

    usual_loss = "cross_entropy"

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        plots: Mapping[str, "Metric"],
        weight: float,
        num_classes: int,
    ) -> None:
        check_integer(f"tasks.{name}.num_classes", num_classes, 2, f"tasks.{name}.num_classes=10")
        super().__init__(name, input, head, loss, metrics, plots, weight, out_features=num_classes)

    def is_labelled(self, target: Tensor) -> Tensor:
        return target != -1

    def predict(self, output: Tensor) -> Tensor:
        return output.softmax(1)

    def keep_labelled(
        self, output: Tensor, target: Tensor, complete: bool
    ) -> tuple[Tensor, Tensor]:
        if complete:
            return output, target
        return super().keep_labelled(output.movedim(1, -1), target, complete)  # [B, ..., C]

    def check_targets(self, target: Tensor) -> None:
        wrong = target[(target < -1) | (target >= self.out_features)]
        if len(wrong):
            found = wrong[0].item()
            rule = f"has {self.out_features} classes: labels must be 0 to {self.out_features - 1}"
            needed = int(target.max()) + 1
            more = f"tasks.{self.name}.num_classes={needed}"
            fix = more if needed > self.out_features else "labels from 0"
            raise problem(f"tasks.{self.name}", f"{rule} (-1 where missing)", found, fix)

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, dtype=torch.long)
