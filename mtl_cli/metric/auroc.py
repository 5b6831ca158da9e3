"""The area under the ROC curve: exact for as many scores as fit, and beyond them with a bound."""

from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from mtl_cli.basis.errors import check_integer
from mtl_cli.basis.sums import at_least_single
from mtl_cli.metric.base import histogram
from mtl_cli.metric.measuring import Remarking


class AUROC(Remarking, Metric):
    """The share of pairs of a one and a zero in which the one has the greater score, 0 to 1.

    A pair of equal scores counts a half. Up to ``max_scores`` labels all scores are kept, and it is
    exact. Then quantiles of these become the bounds of bins, that and later rows are counted in
    them, and memory grows no more. Pairs that fall into one bin count a half, so it is off by at
    most ``sum_b ones_b zeros_b / (2 ones zeros)``, which is said beside it: about 1 / (2 bins),
    wherever the scores lie.

    Args:
        max_scores: up to how many labels are kept, from 1.
        num_bins: how many bins there are then, from 2.
    """

    is_differentiable: ClassVar[bool] = False  # type: ignore[misc]
    full_state_update: ClassVar[bool] = False  # type: ignore[misc]
    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]
    adds_up: ClassVar[bool] = False  # the bins are of what came first
    scores: list[Tensor]
    labels: list[Tensor]
    counts: Tensor  # of zeros and ones in each bin, [2, bins]
    bounds: Tensor  # where the second bin begins, the third, ...; none as long as all are kept

    def __init__(self, max_scores: int, num_bins: int) -> None:
        super().__init__()
        check_integer("max_scores", max_scores, 1, "max_scores=10_000_000")
        check_integer("num_bins", num_bins, 2, "num_bins=10_000")
        self.max_scores, self.num_bins = max_scores, num_bins
        self.kept = 0
        self.error = 0.0
        self.add_state("scores", [], dist_reduce_fx="cat")
        self.add_state("labels", [], dist_reduce_fx="cat")
        self.add_state("counts", torch.zeros(2, num_bins, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("bounds", torch.zeros(0), dist_reduce_fx=None)

    def update(self, prediction: Tensor, target: Tensor) -> None:
        if prediction.dim() != 1 or prediction.shape != target.shape:
            raise ValueError(f"needs one score an example, not {[*prediction.shape[1:]]}")
        scores, labels = at_least_single(prediction), target > 0
        if self.bounds.numel():
            self.count(scores, labels)
            return
        self.scores.append(scores)
        self.labels.append(labels)
        self.kept += len(labels)
        if self.kept > self.max_scores:
            self.stop_keeping()

    def reset(self) -> None:
        super().reset()
        self.kept = 0

    def stop_keeping(self) -> None:
        """Counts what was kept in bins of about equally many."""
        scores, labels = dim_zero_cat(self.scores), dim_zero_cat(self.labels)
        at = torch.arange(1, self.num_bins, device=scores.device) * len(scores) // self.num_bins
        self.bounds = scores.sort().values[at].unique()
        self.count(scores, labels)
        self.scores, self.labels = [], []

    def count(self, scores: Tensor, labels: Tensor) -> None:
        bins = torch.searchsorted(self.bounds, scores.to(self.bounds.dtype), right=True)
        cells = bins + labels * self.num_bins
        self.counts = self.counts + histogram(cells, 2 * self.num_bins).view(2, -1)

    def compute(self) -> Tensor:
        if self.bounds.numel():
            area, error = area_of(self.counts)
            self.error = float(error)
            return area
        self.error = 0.0
        scores, labels = dim_zero_cat(self.scores), dim_zero_cat(self.labels)
        values, bins = scores.unique(return_inverse=True)  # a bin for each score
        cells = bins + labels * len(values)
        return area_of(histogram(cells, 2 * len(values)).view(2, -1))[0]

    def remark(self) -> str | None:
        if not self.error:
            return None
        return (
            f"of more than max_scores={self.max_scores:,} labels, from {self.num_bins:,} bins: "
            f"within {self.error:.1g} of the exact one"
        )


def area_of(counts: Tensor) -> tuple[Tensor, Tensor]:
    """The area from counts of zeros and ones in bins [2, bins], of rising scores, and by how much
    it may be off; NaN without a zero or a one."""
    zeros, ones = counts.double() if counts.device.type != "mps" else counts.float()
    pairs = zeros.sum() * ones.sum()
    below = zeros.cumsum(0) - zeros
    return (ones * (below + zeros / 2)).sum() / pairs, (ones * zeros).sum() / (2 * pairs)
