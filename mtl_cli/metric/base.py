"""What metrics of maps have in common: they count pixels, and pool them or the values of batches.

They are given whole maps and leave out missing pixels themselves, by ``where``: an index of the
pixels that are there would wait for the device, for it has to know how many these are.
"""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from mtl_cli.basis.errors import check_choice
from mtl_cli.metric.measuring import Measuring

POOLING = ["pixels", "batches"]


class MapMetric(Measuring, Metric):
    """A number that follows from counts of pixels, in memory that does not grow with the split.

    ``pooling=pixels`` adds the counts of all batches: the value is that of the whole split, however
    it falls into batches. ``pooling=batches`` is the mean of the values of the batches that have
    one, each batch alike. It depends on the batch size, and is what the published tables of MTAN,
    CAGrad, Nash-MTL and FAMO on NYUv2 and Cityscapes hold.

    A subclass is a kind of measurement (`measure`, `kind`); its subclasses are the metrics.

    Args:
        counts: zeros, in the shape of `count`.
        pooling: ``pixels`` or ``batches``.
    """

    is_differentiable: ClassVar[bool] = False  # type: ignore[misc]
    full_state_update: ClassVar[bool] = False  # type: ignore[misc]
    reads_missing: ClassVar[bool] = True  # it is given whole maps, missing pixels included
    counts: Tensor
    values: Tensor
    batches: Tensor

    def __init__(self, counts: Tensor, pooling: str) -> None:
        super().__init__()
        check_choice("pooling", pooling, POOLING, "pooling=pixels")
        self.pooling = pooling
        self.adds_up = pooling == "pixels"
        # Sums are as precise as what is added, which on Apple's devices is never double.
        self.add_state("counts", counts, dist_reduce_fx="sum")
        self.add_state("values", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("batches", torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def count(self, measured: Tensor) -> Tensor:
        """What adds up of a measurement."""
        return measured

    @abstractmethod
    def value(self, counts: Tensor) -> Tensor:
        """The number, a scalar; NaN where nothing was counted."""

    def update(self, prediction: Tensor, target: Tensor, measured: Tensor | None = None) -> None:
        if measured is None:
            measured = self.measure(prediction, target)
        counts = self.count(measured)
        if self.pooling == "pixels":
            self.counts = self.counts + counts
            return
        value = self.value(counts)
        self.values = self.values + torch.where(value.isnan(), 0, value)
        self.batches = self.batches + ~value.isnan()

    def compute(self) -> Tensor:
        if self.pooling == "pixels":
            return self.value(self.counts)
        return self.values / self.batches


def exact(device: torch.device) -> torch.dtype:
    """The most precise numbers of a device: Apple's have no double precision."""
    return torch.float32 if device.type == "mps" else torch.float64


def histogram(bins: Tensor, size: int) -> Tensor:
    """How often each of the numbers 0 to ``size - 1`` is among integers of any shape, as [size].

    ``torch.bincount`` would wait for the device, to see which is the largest.
    """
    flat = bins.flatten()
    each = torch.ones((), dtype=torch.long, device=bins.device).expand_as(flat)
    return torch.zeros(size, dtype=torch.long, device=bins.device).scatter_add_(0, flat, each)
