"""Counts: whole numbers from 0, of which a rate is predicted; a missing label is NaN."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import TweedieDevianceScore

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.prior import TINY, mean_label

LEAST = torch.finfo(torch.float32).tiny  # of a rate, whose logarithm metrics take


class Count(Task):
    """Counts, [B]; the head gives the logarithm of the rate, less that of the mean count in train.

    So training begins at the mean count, however large it is. The loss compares the logarithm of
    the rate with the count, as `torch.nn.PoissonNLLLoss` does; a prediction is the rate itself.
    """

    usual_loss = "poisson"
    trees_minimise: ClassVar[str] = "poisson"
    offset: Tensor

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, out_features=1)
        self.register_buffer("offset", torch.zeros(()))

    def fit(self, target: Tensor) -> None:
        super().fit(target)
        mean = target.double().nanmean().nan_to_num(nan=1.0)
        self.offset.copy_(mean.clamp(min=TINY).log())

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def to_loss_unit(self, target: Tensor) -> Tensor:
        return target.to(torch.get_default_dtype())

    def read_by_loss(self, output: Tensor) -> Tensor:
        return output + self.offset

    def predict(self, output: Tensor) -> Tensor:
        return (output + self.offset).exp().clamp(min=LEAST)

    def prior(self, target: Tensor) -> Tensor:
        """The mean count, 1 where there is no label."""
        return mean_label(target, 1).nan_to_num(nan=1.0)

    def output_of(self, prediction: Tensor) -> Tensor:
        rate = prediction.double().clamp(min=TINY)
        return (rate.log() - self.offset.to(rate.device)).float()

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        prediction, target = super().score(output, target, complete)
        return prediction, target.to(prediction.dtype)

    def check_targets(self, target: Tensor) -> None:
        count = (target >= 0) & (target == target.round()) & target.isfinite()
        wrong = target[~(count | target.isnan())]
        if len(wrong):
            rule = "is count: its labels must be whole numbers from 0 (NaN where missing)"
            fix = f"tasks.{self.name}=regression"
            raise problem(f"tasks.{self.name}", rule, wrong[0].item(), fix)

    def example_target(self, batch_size: int) -> Tensor:
        return torch.arange(2.0, 2.0 + batch_size)

    def try_loss(self) -> None:
        super().try_loss()
        target = self.example_target(4)
        right = self.tried(target.log(), target)
        if not all(right < self.tried(target.log() + far, target) for far in (-1, 1)):
            raise self.unfitting("not the least where the logarithm of the rate is right")


class PoissonDeviance(TweedieDevianceScore):
    """``2 mean(y log(y / rate) - y + rate)`` of counts y, of which lower is better.

    The class of torchmetrics, which has deviances of other powers too, says no direction.
    """

    higher_is_better: bool = False  # type: ignore[assignment]

    def __init__(self, **options: Any) -> None:
        super().__init__(power=1.0, **options)
