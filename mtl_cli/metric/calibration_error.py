"""The expected calibration error of probabilities, and its picture, the reliability diagram.

Naeini, Cooper & Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
2015, https://doi.org/10.1609/aaai.v29i1.9602.
"""

from collections.abc import Hashable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from mtl_cli.basis.errors import check_integer
from mtl_cli.metric.base import exact
from mtl_cli.metric.measuring import Measuring
from mtl_cli.metric.probability import labelled

CELLS = 4096  # of the logit, of which bins are made
FARTHEST = 20.0  # logit that has a cell of its own
COUNT, PREDICTED, LABELS = range(3)  # what is summed


class CalibrationError(Measuring, Metric):
    """``sum_b n_b / N |mean p - mean y|`` over bins b of equally many labels, from 0 to 1.

    Bins of equal width would put all rows of a rate of 1 % into the first. To take no memory that
    grows, bins are unions of 4096 cells of the logit, each 0.01 wide: the bounds of a bin are off
    by no more than 1 % of a small probability, and equal probabilities are in one bin.

    Args:
        num_bins: how many bins, from 1.

    Raises:
        ValueError: where that is no whole number from 1.
    """

    is_differentiable: ClassVar[bool] = False  # type: ignore[misc]
    full_state_update: ClassVar[bool] = False  # type: ignore[misc]
    higher_is_better: ClassVar[bool] = False  # type: ignore[misc]
    sums: Tensor

    def __init__(self, num_bins: int) -> None:
        super().__init__()
        check_integer("num_bins", num_bins, 1, "num_bins=10")
        self.num_bins = num_bins
        self.add_state("sums", torch.zeros(3, CELLS), dist_reduce_fx="sum")

    @property
    def kind(self) -> Hashable:
        return CalibrationError

    def measure(self, prediction: Tensor, target: Tensor) -> Tensor:
        p, y, there = labelled(prediction, target)
        logit = p.logit().clamp(-FARTHEST, FARTHEST)
        cell = ((logit + FARTHEST) * (CELLS / (2 * FARTHEST))).long().clamp(max=CELLS - 1)
        cells = torch.cat([cell, cell + CELLS, cell + 2 * CELLS])
        sums = torch.zeros(3 * CELLS, dtype=exact(p.device), device=p.device)
        return sums.scatter_add_(0, cells, torch.cat([there, p * there, y])).view(3, CELLS)

    def update(self, prediction: Tensor, target: Tensor, measured: Tensor | None = None) -> None:
        if measured is None:
            measured = self.measure(prediction, target)
        self.sums = self.sums + measured

    def bins(self) -> Tensor:
        """The sums of each bin that has a label, [3, bins]."""
        count = self.sums[COUNT]
        middle = (count.cumsum(0) - count / 2) / count.sum().clamp(min=1)
        bin_of_cell = (middle * self.num_bins).long().clamp(0, self.num_bins - 1)
        bins = self.sums.new_zeros(3, self.num_bins).index_add_(1, bin_of_cell, self.sums)
        return bins[:, bins[COUNT] > 0]

    def compute(self) -> Tensor:
        bins = self.bins()
        return (bins[PREDICTED] - bins[LABELS]).abs().sum() / bins[COUNT].sum()

    def plot(self) -> tuple[Any, Any]:
        """The share of ones against the mean probability of each bin, with 95 % intervals of the
        binomial; on logarithmic axes where probabilities span more than a factor of 10."""
        from matplotlib import pyplot

        count, predicted, labels = self.bins().cpu().double().numpy()
        mean, share = predicted / count, labels / count
        error = 1.96 * (share * (1 - share) / count) ** 0.5
        far = mean.max() > 10 * mean.min()
        scale = "log" if far else "linear"
        least = min(mean.min(), share[share > 0].min(initial=1)) / 2 if far else 0
        ends = (float(least), min(1.0, 1.1 * float(max(mean.max(), (share + error).max()))))
        figure, axes = pyplot.subplots(figsize=(4.2, 3.8))
        axes.set(xscale=scale, yscale=scale, xlim=ends, ylim=ends)
        axes.plot(ends, ends, color="#999999", linewidth=0.8, label="calibrated")
        said = f"ECE {float(self.compute()):.3g}"
        axes.errorbar(mean, share, error, fmt="o", markersize=3.5, capsize=2, label=said)
        axes.set(xlabel="mean predicted probability", ylabel="share of ones")
        axes.legend(frameon=False, fontsize="small")
        return figure, axes
