"""Metrics of predicted probabilities from sums over the labels: how likely, and how calibrated.

Log loss, normalized entropy and calibration as of He et al., "Practical Lessons from Predicting
Clicks on Ads at Facebook", ADKDD 2014, section 3, https://doi.org/10.1145/2648584.2648589.
"""

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from mtl_cli.metric.base import exact
from mtl_cli.metric.measuring import Measuring

CLOSEST = torch.finfo(torch.float32).eps  # to 0 and 1, that a probability is read as
COUNT, PREDICTED, LABELS, LOG_LOSS = range(4)  # the sums


class ProbabilityMetric(Measuring, Metric):
    """A number that follows from four sums over the labels: their count, of the predicted
    probabilities p, of the labels y, and of the log losses. It takes no memory that grows.

    Reads probabilities and labels 0 and 1 of one shape; a label below 0 is missing.
    """

    is_differentiable: ClassVar[bool] = False  # type: ignore[misc]
    full_state_update: ClassVar[bool] = False  # type: ignore[misc]
    sums: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(4), dist_reduce_fx="sum")

    @property
    def kind(self) -> Hashable:
        return ProbabilityMetric

    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        p, y, there = labelled(prediction, target)
        close = p.clamp(CLOSEST, 1 - CLOSEST)
        log_loss = -torch.where(y > 0, close.log(), (-close).log1p()) * there
        return torch.stack([there.sum(), (p * there).sum(), y.sum(), log_loss.sum()])

    @abstractmethod
    def value(self, sums: Tensor) -> Tensor:
        """The number, a scalar; NaN where there is none."""

    def update(self, prediction: Tensor, target: Tensor, measured: Tensor | None = None) -> None:
        if measured is None:
            measured = self.measure(prediction, target)
        self.sums = self.sums + measured  # which is as precise as the device has it

    def compute(self) -> Tensor:
        return self.value(self.sums)


class LogLoss(ProbabilityMetric):
    """``-mean(y log p + (1 - y) log(1 - p))``, in nats, from 0.

    Probabilities closer to 0 or 1 than 1.2e-7, to which single precision rounds, count as that far.
    """

    higher_is_better: ClassVar[bool] = False  # type: ignore[misc]

    def value(self, sums: Tensor) -> Tensor:
        return sums[LOG_LOSS] / sums[COUNT]


class NormalizedEntropy(ProbabilityMetric):
    """The log loss divided by that of always predicting the share r of ones:
    ``LL / -(r log r + (1 - r) log(1 - r))``. Below 1 is better than the share; 0 is perfect.

    Departure: r is the share among the labels that are evaluated, not that of train. So no split
    is made easy by a rate that moved.
    """

    higher_is_better: ClassVar[bool] = False  # type: ignore[misc]

    def value(self, sums: Tensor) -> Tensor:
        rate = sums[LABELS] / sums[COUNT]
        entropy = -(torch.xlogy(rate, rate) + torch.xlogy(1 - rate, 1 - rate))
        found = sums[LOG_LOSS] / sums[COUNT] / entropy
        return torch.where(entropy > 0, found, torch.nan)


class Calibration(ProbabilityMetric):
    """``sum p / sum y``: how many ones are predicted for each that there is. 1 is right, above it
    too many are predicted; neither more nor less of it is better, so nothing is selected by it.
    """

    higher_is_better: ClassVar[None] = None  # type: ignore[misc]

    def value(self, sums: Tensor) -> Tensor:
        return torch.where(sums[LABELS] > 0, sums[PREDICTED] / sums[LABELS], torch.nan)


def labelled(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities and labels, flat, a missing one as a half and 0; and 1 where there is one.

    Raises:
        ValueError: where they are not of one shape.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"needs a probability for each label 0 or 1, not {[*prediction.shape]}")
    kind = exact(prediction.device)
    p, y = prediction.flatten().to(kind), target.flatten().to(kind)
    there = y >= 0  # not where it is NaN
    return torch.where(there, p, 0.5), torch.where(there, y, 0), there.to(kind)
