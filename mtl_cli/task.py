"""A task: the input that it reads, and the head, loss, metrics and weight that it brings.

Labels may be missing: NaN in a float target, -1 in a class target. They count neither in the loss,
which is the mean over the labelled examples, nor in the metrics.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from mtl_cli.errors import check_boolean, check_integer, check_number, problem

if TYPE_CHECKING:
    from torchmetrics import Metric

MakeHead = Callable[[tuple[int, ...], int], nn.Module]


class Task(nn.Module, ABC):
    """What all kinds of tasks have in common.

    Args:
        name: the key of the task's targets, losses and metrics.
        input: the name of the input that it reads.
        head: makes the head from the shape of the features and the number of outputs.
        loss: ``loss(output, target)``, the mean over the examples.
        metrics: ``{name: metric}``; the first one is what reports compare.
        weight: multiplies the task's loss before any weighting sees it.
        out_features: O, the number of outputs of the head.
    """

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        weight: float,
        out_features: int,
    ) -> None:
        super().__init__()
        check_number(f"tasks.{name}.weight", weight, f"tasks.{name}.weight=1.0", 0)
        if not isinstance(loss, nn.Module):
            rule = "is a whole part; choose another one by its group"
            raise problem(f"tasks.{name}.loss", rule, loss, f"loss@tasks.{name}.loss={loss}")
        self.name = name
        self.input = input
        self.make_head = head
        self.criterion = loss
        self.weight = weight
        self.out_features = out_features
        self.__dict__["metrics"] = dict(metrics)  # not a submodule: no part of the model's state

    metrics: dict[str, "Metric"]
    usual_loss: ClassVar[str]

    @abstractmethod
    def is_labelled(self, target: Tensor) -> Tensor:
        """Which labels are there, as a mask of the target's shape."""

    @abstractmethod
    def predict(self, output: Tensor) -> Tensor:
        """What users and metrics read: probabilities, or values in the original unit."""

    @abstractmethod
    def example_target(self, batch_size: int) -> Tensor:
        """A valid target, to try the loss on."""

    def check_targets(self, target: Tensor) -> None:
        """Refuses labels that the task cannot have."""

    def fit(self, target: Tensor) -> None:
        """Learns what it has to know of the train targets, before training."""

    def try_loss(self) -> None:
        """Refuses a loss that does not fit the task, by trying it on made-up labels."""
        target = self.example_target(4)
        output = torch.zeros(4, self.out_features)
        try:
            self.criterion(self.align(output, target), target)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise self.unfitting(str(error).splitlines()[0]) from error

    def unfitting(self, reason: str) -> ValueError:
        """The error for a loss that does not fit."""
        kind, slot = type(self).__name__.lower(), f"tasks.{self.name}.loss"
        found = f"{type(self.criterion).__name__}: {reason}"
        return problem(slot, f"must fit a {kind} task", found, f"loss@{slot}={self.usual_loss}")

    def to_loss_unit(self, target: Tensor) -> Tensor:
        """The target in the unit that the head predicts."""
        return target

    def loss(self, output: Tensor, target: Tensor, complete: bool = False) -> tuple[Tensor, int]:
        """The mean loss over the labelled examples, a scalar, and how many labels there are.

        Args:
            output: what the head gave, [B, O, ...].
            target: the labels, [B, ...].
            complete: whether no label is missing; else the missing ones are looked for.
        """
        output, target = self.align(output, target), self.to_loss_unit(target)
        output, target = self.keep_labelled(output, target, complete)
        return self.criterion(output, target), target.numel()

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        """What a metric compares: predictions and labels, without the missing ones."""
        return self.keep_labelled(self.predict(self.align(output, target)), target, complete)

    def align(self, output: Tensor, target: Tensor) -> Tensor:
        """The head's output [B, 1, ...] as [B, ...] where the target has no such dimension."""
        extra = output.dim() == target.dim() + 1 and output.shape[1] == 1
        return output.squeeze(1) if extra else output

    def keep_labelled(
        self, output: Tensor, target: Tensor, complete: bool
    ) -> tuple[Tensor, Tensor]:
        """Output and target without the missing labels."""
        if complete:
            return output, target
        mask = self.is_labelled(target)
        return output[mask], target[mask]


class Regression(Task):
    """Real-valued targets, [B] or [B, O].

    With ``standardize``, the head predicts, and the loss compares, targets scaled to mean 0 and
    standard deviation 1 on the train split; metrics and predictions stay in the original unit.
    """

    usual_loss = "mse"
    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        weight: float,
        num_outputs: int,
        standardize: bool,
    ) -> None:
        check_integer(f"tasks.{name}.num_outputs", num_outputs, 1, f"tasks.{name}.num_outputs=1")
        check_boolean(f"tasks.{name}.standardize", standardize)
        super().__init__(name, input, head, loss, metrics, weight, num_outputs)
        self.standardize = standardize
        self.register_buffer("mean", torch.zeros(num_outputs))
        self.register_buffer("scale", torch.ones(num_outputs))

    def fit(self, target: Tensor) -> None:
        if not self.standardize:
            return
        columns = target.reshape(len(target), self.out_features, -1).double()  # [B, O, ...]
        count = (~columns.isnan()).sum((0, 2)).clamp(min=1)  # [O]
        mean = columns.nan_to_num().sum((0, 2)) / count
        variance = (columns - mean[:, None]).nan_to_num().square().sum((0, 2)) / count
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(variance > 0, variance.sqrt(), 1.0))

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def to_loss_unit(self, target: Tensor) -> Tensor:
        if not self.standardize:
            return target
        return (target - self.per_output(self.mean, target)) / self.per_output(self.scale, target)

    def predict(self, output: Tensor) -> Tensor:
        if not self.standardize:
            return output
        return output * self.per_output(self.scale, output) + self.per_output(self.mean, output)

    def per_output(self, values: Tensor, like: Tensor) -> Tensor:
        """``values`` [O] in a shape that broadcasts over ``like`` [B] or [B, O, ...]."""
        return values.view(-1, *[1] * (like.dim() - 2))

    def example_target(self, batch_size: int) -> Tensor:
        shape = (batch_size, *[self.out_features] * (self.out_features > 1))
        return torch.linspace(-1, 1, math.prod(shape)).view(shape)

    def try_loss(self) -> None:
        super().try_loss()
        target = self.example_target(4)
        right, wrong = self.criterion(target, target), self.criterion(target + 1, target)
        if not right < wrong:  # cross-entropy takes floats for probabilities, and would train
            raise self.unfitting("no less where the prediction is right than where it is wrong")


class Binary(Task):
    """Two classes as floats 0 and 1, [B]; the head gives one logit."""

    usual_loss = "bce"

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        weight: float,
    ) -> None:
        super().__init__(name, input, head, loss, metrics, weight, out_features=1)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def predict(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        prediction, target = super().score(output, target, complete)
        return prediction, target.long()

    def check_targets(self, target: Tensor) -> None:
        wrong = target[~((target == 0) | (target == 1) | target.isnan())]
        if len(wrong):
            rule = "is binary: its labels must be 0 or 1 (NaN where missing)"
            raise problem(
                f"tasks.{self.name}", rule, wrong[0].item(), "task=regression or multiclass"
            )

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size)


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
        weight: float,
        num_classes: int,
    ) -> None:
        check_integer(f"tasks.{name}.num_classes", num_classes, 2, f"tasks.{name}.num_classes=10")
        super().__init__(name, input, head, loss, metrics, weight, out_features=num_classes)

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


class Multilabel(Binary):
    """L labels, each 0 or 1 as a float, [B, L]; the head gives L logits."""

    def __init__(
        self,
        name: str,
        input: str,
        head: MakeHead,
        loss: nn.Module,
        metrics: Mapping[str, "Metric"],
        weight: float,
        num_labels: int,
    ) -> None:
        check_integer(f"tasks.{name}.num_labels", num_labels, 1, f"tasks.{name}.num_labels=3")
        Task.__init__(self, name, input, head, loss, metrics, weight, out_features=num_labels)

    def loss(self, output: Tensor, target: Tensor, complete: bool = False) -> tuple[Tensor, int]:
        if complete:
            return super().loss(output, target, complete)
        # A missing label becomes a certain one, whose loss is 0: weights stay with their labels.
        there = self.is_labelled(target)
        count = int(there.sum())
        output, target = torch.where(there, output, 1e4), torch.where(there, target, 1.0)
        return self.criterion(output, target) * (target.numel() / max(1, count)), count

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        # torchmetrics wants whole rows; it skips labels of -1 (``ignore_index`` in the YAML).
        return self.predict(output), target.nan_to_num(nan=-1).long()

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, self.out_features)
