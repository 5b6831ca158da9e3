"""A loss as the mean over labels, and what that mean is over.

The product of both is a sum, and sums of several batches add up. What a mean is over, its
denominator, follows from the labels alone, before any output is there.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem
from mtl_cli.basis.sums import mean_of_rows
from mtl_cli.task.labels import labelled, per_label


class MeanLoss(nn.Module, ABC):
    """The part of a `Task` that takes means.

    Attributes:
        name: the task's.
        criterion: ``loss(output, target)``, the mean over labels that are all there; with an
            attribute ``reduction`` of "sum" their sum, of which the mean is taken here.
        over_rows: whether it gives what each row adds, [B], to a mean over all rows, labelled or
            not; it looks for missing labels itself.
    """

    name: str
    criterion: nn.Module
    over_rows: bool
    usual_loss: ClassVar[str]

    @abstractmethod
    def is_labelled(self, target: Tensor) -> Tensor:
        """Which labels are there, as a mask of the target's shape."""

    def to_loss_unit(self, target: Tensor) -> Tensor:
        """The target in the unit that the head predicts."""
        return target

    def read_by_loss(self, output: Tensor) -> Tensor:
        """What the loss reads of the head's output."""
        return output

    def loss(
        self,
        output: Tensor,
        target: Tensor,
        complete: bool = False,
        weights: Tensor | None = None,
        others: Sequence[Tensor] = (),
    ) -> tuple[Tensor, int | Tensor]:
        """The mean loss over the labels, a scalar, and its `denominator`: their product is the sum,
        which adds up over batches. The mean of nothing (a denominator of 0) is no number.

        Args:
            output: what the head gave, [B, O, ...].
            target: the labels, [B, ...].
            complete: whether no label is missing; else the missing ones are looked for.
            weights: how much each example counts in the mean, [B]; None: all the same.
            others: the outputs of other tasks that the loss reads.
        """
        mean = self.mean_loss(output, target, complete, weights, None, others)
        return mean, self.denominator(target, complete, weights)

    def denominator(
        self,
        target: Tensor,
        complete: bool = False,
        weights: Tensor | None = None,
        labels: int | None = None,
    ) -> int | Tensor:
        """What the sum of the losses is divided by for their mean, known before any output.

        The number of the labels where all are there and count the same; else the sum of their
        weights, a scalar on the target's device. Arguments as of `loss`; ``labels`` is how many
        there are, where that is known.
        """
        if self.over_rows:
            return len(target) if weights is None else weights.sum()
        if labels is not None and weights is None and self.label_weights(target) is None:
            return labels
        counted = self.counted(target, complete, weights)
        if counted is None:
            return target.numel()
        # Apple's devices have no double precision.
        exact = torch.float32 if target.device.type == "mps" else torch.float64
        return counted.sum(dtype=exact)

    def counted(self, target: Tensor, complete: bool, weights: Tensor | None) -> Tensor | None:
        """How much each label counts, in the target's shape; None: each 1."""
        own = self.label_weights(target)
        if complete and own is None and weights is None:
            return None
        factors = [] if complete else [self.is_labelled(target)]
        factors += [] if own is None else [own]
        factors += [] if weights is None else [per_label(weights, target)]
        return reduce(mul, factors)

    def label_weights(self, target: Tensor) -> Tensor | None:
        """By how much the loss itself weighs the labels in its mean, in the target's shape.

        None where it divides by their number, whatever it weighs.
        """
        return None

    def may_count_nothing(self, complete: bool, weights: Tensor | None) -> bool:
        """Whether it takes a look at the labels to know that something counts."""
        return not (complete or self.over_rows) or weights is not None

    def mean_loss(
        self,
        output: Tensor,
        target: Tensor,
        complete: bool,
        weights: Tensor | None,
        labels: int | None = None,
        others: Sequence[Tensor] = (),
    ) -> Tensor:
        """`loss` without its denominator; where the number of ``labels`` is known, no device is
        waited for."""
        labels = target.numel() if complete else labels
        output = self.align(self.read_by_loss(output), target)
        target = self.to_loss_unit(target)
        if self.over_rows:
            read = (self.align(other, target) for other in others)
            return mean_of_rows(self.criterion(output, target, *read), weights)
        if weights is not None:
            return self.weighted_loss(output, target, weights, labels)
        return self.plain_loss(*self.keep_labelled(output, target, complete, labels))

    def plain_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean loss over labels that are all there, as the loss itself takes it."""
        loss: Tensor = self.criterion(output, target)
        summed = getattr(self.criterion, "reduction", "mean") == "sum"
        return loss / self.denominator(target, complete=True) if summed else loss

    def weighted_loss(
        self, output: Tensor, target: Tensor, weights: Tensor, labels: int | None
    ) -> Tensor:
        """``sum_b w_b L_b / sum_b w_b`` over the labels; each label counts as its example does.

        Where the loss weighs classes, ``w_b`` is the product of both.
        """
        there = labelled(self.is_labelled(target), labels)
        label_weights = per_label(weights, target)[there]
        output, target = self.keep_labelled(output, target, complete=False, labels=labels)
        own = self.label_weights(target)
        total = (label_weights if own is None else label_weights * own).sum()
        return (self.each_loss(output, target) * label_weights).sum() / total

    def each_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each label, before their mean."""
        criterion: Any = self.criterion
        if getattr(criterion, "reduction", None) is None:
            raise self.unfitting(
                "without a reduction=none, which weights of examples and mixup need"
            )
        usual, criterion.reduction = criterion.reduction, "none"
        try:
            return criterion(output, target)
        finally:
            criterion.reduction = usual

    def kind(self) -> str:
        """What kind of task it is, with the article, for messages."""
        name = type(self).__name__.lower()
        return f"{'an' if name[0] in 'aeio' else 'a'} {name}"

    def unfitting(self, reason: str) -> ValueError:
        """The error for a loss that does not fit."""
        slot = f"tasks.{self.name}.loss"
        found = f"{type(self.criterion).__name__}: {reason}"
        return problem(slot, f"must fit {self.kind()} task", found, f"{slot}={self.usual_loss}")

    def align(self, output: Tensor, target: Tensor) -> Tensor:
        """The head's output [B, 1, ...] as [B, ...] where the target has no such dimension."""
        extra = output.dim() == target.dim() + 1 and output.shape[1] == 1
        return output.squeeze(1) if extra else output

    def keep_labelled(
        self, output: Tensor, target: Tensor, complete: bool, labels: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Output and target without the missing labels, of which ``labels`` are left."""
        if complete:
            return output, target
        there = labelled(self.is_labelled(target), labels)
        return output[there], target[there]
