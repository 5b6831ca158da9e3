"""What metrics may want of a batch besides predictions and labels, and say besides a number."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from mtl_cli.basis.errors import problem

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


class Grouped(ABC):
    """A metric within groups of examples: the rows of a user, say.

    Attributes:
        by: the column of the data that says the group of each row.
    """

    by: str

    @abstractmethod
    def update(self, prediction: Tensor, target: Tensor, groups: Tensor) -> None:
        """Takes a batch into account; ``groups`` are numbers, equal within a group, [B]."""


class Remarking(ABC):
    """A metric whose number wants a word beside it."""

    @abstractmethod
    def remark(self) -> str | None:
        """What is to be known of the number that was computed last; None: nothing."""


def update_each(
    metrics: Iterable["Metric"],
    prediction: Tensor,
    target: Tensor,
    groups: Mapping[str, Tensor] | None = None,
) -> None:
    """Updates all metrics by a batch, of which ``groups`` says ``{column: [B]}``."""
    taken: dict[Hashable, Tensor] = {}
    for metric in metrics:
        if isinstance(metric, Grouped):
            if metric.by not in (groups or {}):
                rule, fix = "needs rows that say their groups", f"rows with a column {metric.by}"
                raise problem(f"a metric by {metric.by}", rule, "none", fix)
            metric.update(prediction, target, (groups or {})[metric.by])
            continue
        if not isinstance(metric, Measuring):
            metric.update(prediction, target)
            continue
        if metric.kind not in taken:
            taken[metric.kind] = metric.measure(prediction, target)
        metric.update(prediction, target, taken[metric.kind])
