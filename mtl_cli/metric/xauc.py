"""XAUC: how well predictions order labels that are numbers, watch times say.

Zhan et al., "Deconfounding Duration Bias in Watch-time Prediction for Video Recommendation", KDD
2022, section 5.1, https://arxiv.org/abs/2206.06003.
"""

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from mtl_cli.basis.sums import at_least_single
from mtl_cli.metric.order import in_order, inversions, pairs, pairs_alike, places, seconds


class XAUC(Metric):
    """The share of pairs with different labels that predictions order as the labels do, 0 to 1.

    A pair with equal predictions counts a half, so that a constant has 0.5, and labels 0 and 1 give
    the area under the ROC curve. It counts all pairs, exactly, in about the time of two sorts. It
    keeps every label and its prediction.

    Reads predictions and labels, [B].
    """

    is_differentiable: ClassVar[bool] = False  # type: ignore[misc]
    full_state_update: ClassVar[bool] = False  # type: ignore[misc]
    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]
    predictions: list[Tensor]
    labels: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("predictions", [], dist_reduce_fx="cat")
        self.add_state("labels", [], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        if prediction.dim() != 1 or prediction.shape != target.shape:
            raise ValueError(f"needs one number an example, not {[*prediction.shape[1:]]}")
        self.predictions.append(at_least_single(prediction))
        self.labels.append(at_least_single(target))

    def compute(self) -> Tensor:
        kept = (self.predictions, self.labels)
        return torch.tensor(share_in_order(*(dim_zero_cat(own).cpu().numpy() for own in kept)))


def share_in_order(predictions: np.ndarray, labels: np.ndarray) -> float:
    """The share of pairs with different labels that are in order; NaN where there are none.

    What is out of order are the inversions of the rows by label, where ties of either are in the
    order of the other.
    """
    number = len(labels)
    both = in_order(pairs(places(predictions), places(labels)))
    by_label = in_order(pairs(seconds(both), np.arange(number)))
    different = number * (number - 1) // 2 - pairs_alike(by_label >> 32)
    if not different:
        return math.nan
    behind = inversions(seconds(by_label))
    tied = pairs_alike(both >> 32) - pairs_alike(both)
    return (2 * different - 2 * behind - tied) / (2 * different)
