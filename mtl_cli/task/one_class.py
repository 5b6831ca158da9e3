"""What tasks have in common whose labels are one of several classes; a missing one is -1."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.task.balance import class_weights
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.prior import TINY, class_shares


class OneClass(Task):
    """One of C classes as an integer from 0, [B, ...]; the head gives C logits, [B, C, ...].

    Args:
        parts: what every task has.
        num_classes: C.
    """

    usual_loss = "cross_entropy"
    of_classes = True
    balances: ClassVar = {"weight": class_weights, "alpha": class_weights}

    def __init__(self, parts: Parts, num_classes: int) -> None:
        check_integer(f"{parts.slot}.num_classes", num_classes, 2, f"{parts.slot}.num_classes=10")
        super().__init__(parts, num_classes)
        own = self.label_weights(torch.arange(num_classes))
        self.some_class_counts_nothing = own is not None and bool((own <= 0).any())

    def is_labelled(self, target: Tensor) -> Tensor:
        return target != -1

    def label_weights(self, target: Tensor) -> Tensor | None:
        """Torch's cross-entropies divide by the sum of the weights of the labels' classes."""
        criterion = self.criterion
        if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
            return None
        if criterion.weight is None and criterion.ignore_index < 0:
            return None
        own = torch.ones_like(target, dtype=torch.get_default_dtype())
        if criterion.weight is not None:
            own = criterion.weight[target.clamp(min=0)]
        return own.masked_fill(target == criterion.ignore_index, 0)

    def may_count_nothing(self, complete: bool, weights: Tensor | None) -> bool:
        return self.some_class_counts_nothing or super().may_count_nothing(complete, weights)

    def predict(self, output: Tensor) -> Tensor:
        return output.softmax(1)

    def prior(self, target: Tensor) -> Tensor:
        """The share of each class."""
        return class_shares(target, self.out_features)

    def output_of(self, prediction: Tensor) -> Tensor:
        return prediction.double().clamp(min=TINY).log().float()

    def check_targets(self, target: Tensor) -> None:
        wrong = target[(target < -1) | (target >= self.out_features)]
        if len(wrong):
            found = wrong[0].item()
            rule = f"has {self.out_features} classes: labels must be 0 to {self.out_features - 1}"
            needed = int(target.max()) + 1
            more = f"tasks.{self.name}.num_classes={needed}"
            fix = more if needed > self.out_features else "labels from 0"
            raise problem(f"tasks.{self.name}", f"{rule} (-1 where missing)", found, fix)
