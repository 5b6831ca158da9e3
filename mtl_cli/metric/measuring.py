"""Metrics that read one measurement of a batch, which is taken once for all that read it."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from torchmetrics import Metric


class Measuring(ABC):
    """A metric whose costly part is a measurement, alike for all metrics of equal ``kind``."""

    @property
    @abstractmethod
    def kind(self) -> Hashable:
        """What is measured, with every option that it depends on."""

    @abstractmethod
    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The measurement of a batch."""

    @abstractmethod
    def update(self, prediction: Tensor, target: Tensor, measured: Tensor | None = None) -> None:
        """Takes a batch into account; its measurement need not be ``measured`` again."""


def update_each(metrics: Iterable["Metric"], prediction: Tensor, target: Tensor) -> None:
    """Updates all metrics by a batch."""
    taken: dict[Hashable, Tensor] = {}
    for metric in metrics:
        if not isinstance(metric, Measuring):
            metric.update(prediction, target)
            continue
        if metric.kind not in taken:
            taken[metric.kind] = metric.measure(prediction, target)
        metric.update(prediction, target, taken[metric.kind])
