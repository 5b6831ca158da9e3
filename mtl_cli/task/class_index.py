"""What tasks with classes from 0 as integer labels have in common; a missing label is -1."""

from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.task.balance import class_weights
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.prior import class_shares


class ClassIndex(Task):
    """One of several classes as an integer from 0, [B].

    Args:
        parts: what every task has.
        num_classes: how many classes there are, at least 2.
        out_features: O, the number of outputs of the head.
    """

    of_classes = True
    balances: ClassVar = {"weight": class_weights, "alpha": class_weights}

    def __init__(self, parts: Parts, num_classes: int, out_features: int) -> None:
        self.check_classes(parts.slot, num_classes)
        super().__init__(parts, out_features)
        own = self.label_weights(torch.arange(num_classes))
        self.some_class_counts_nothing = own is not None and bool((own <= 0).any())

    @staticmethod
    def check_classes(slot: str, num_classes: int) -> None:
        check_integer(f"{slot}.num_classes", num_classes, 2, f"{slot}.num_classes=10")

    def is_labelled(self, target: Tensor) -> Tensor:
        return target != -1

    def may_count_nothing(self, complete: bool, weights: Tensor | None) -> bool:
        return self.some_class_counts_nothing or super().may_count_nothing(complete, weights)

    def prior(self, target: Tensor) -> Tensor:
        """The share of each class."""
        return class_shares(target, self.num_classes)

    def keep_labelled(
        self, output: Tensor, target: Tensor, complete: bool, labels: int | None = None
    ) -> tuple[Tensor, Tensor]:
        if complete:
            return output, target
        return super().keep_labelled(output.movedim(1, -1), target, complete, labels)  # [.., O]

    def check_targets(self, target: Tensor) -> None:
        wrong = target[(target < -1) | (target >= self.num_classes)]
        if len(wrong):
            found = wrong[0].item()
            rule = f"has {self.num_classes} classes: labels must be 0 to {self.num_classes - 1}"
            needed = int(target.max()) + 1
            more = f"tasks.{self.name}.num_classes={needed}"
            fix = more if needed > self.num_classes else "labels from 0"
            raise problem(f"tasks.{self.name}", f"{rule} (-1 where missing)", found, fix)
