"""GAUC: the area under the ROC curve within groups, as of the rows that one user was shown.

Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017, section 4.2,
https://arxiv.org/abs/1703.02091, equation 8.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.basis.sums import at_least_single
from mtl_cli.metric.measuring import Grouped, Remarking
from mtl_cli.metric.order import in_order, places, starts

WEIGHTS = ["rows", "groups"]


class GAUC(Grouped, Remarking, Metric):
    """``sum_g w_g AUC_g / sum_g w_g`` over the groups with a one and a zero, from 0 to 1.

    ``w_g`` is the group's number of labelled rows, or 1 where each group counts alike: two numbers
    that papers and libraries call by one name. Groups of one class have no AUC; they are left out
    and counted. A score that says nothing but which group a row is of has 0.5, whatever its AUC.

    Memory grows with the split: every score, label and group is kept.

    Args:
        by: the column of the data that says the group of each row.
        weighted_by: ``rows`` or ``groups``.
    """

    is_differentiable: ClassVar[bool] = False  # type: ignore[misc]
    full_state_update: ClassVar[bool] = False  # type: ignore[misc]
    higher_is_better: ClassVar[bool] = True  # type: ignore[misc]
    scores: list[Tensor]
    labels: list[Tensor]
    groups: list[Tensor]

    def __init__(self, by: str, weighted_by: str) -> None:
        super().__init__()
        if not isinstance(by, str) or not by:
            raise problem("by", "must be a column of the data", by, "by=user_id")
        check_choice("weighted_by", weighted_by, WEIGHTS, "weighted_by=rows")
        self.by, self.weighted_by = by, weighted_by
        self.found = (0, 0)  # groups, and those of one class
        for state in ("scores", "labels", "groups"):
            self.add_state(state, [], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, target: Tensor, groups: Tensor) -> None:
        if prediction.dim() != 1 or prediction.shape != target.shape or target.is_floating_point():
            raise ValueError("needs a probability and a label 0 or 1 an example")
        self.scores.append(at_least_single(prediction))
        self.labels.append(target)
        self.groups.append(groups)

    def compute(self) -> Tensor:
        kept = (self.scores, self.labels, self.groups)
        areas, sizes = areas_of_groups(*(dim_zero_cat(own).cpu().numpy() for own in kept))
        there = ~np.isnan(areas)
        self.found = (len(areas), int((~there).sum()))
        if not there.any():
            return torch.tensor(torch.nan)
        weights = sizes[there] if self.weighted_by == "rows" else None
        return torch.tensor(np.average(areas[there], weights=weights))

    def remark(self) -> str | None:
        groups, alike = self.found
        said = f"by {self.by}, weighted by {self.weighted_by}: {groups - alike:,} groups"
        return f"{said} with both classes, {alike:,} of one class left out"


def areas_of_groups(
    scores: np.ndarray, labels: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The area under the curve of each group, NaN where it is of one class, and its rows.

    ``(sum of the ranks of the ones - P (P - 1) / 2) / (P N)``, ranks from 0 within the group, and
    equal scores of the mean of their ranks.
    """
    keys = group_numbers(groups) << 33
    keys |= places(scores) << 1
    keys |= labels > 0
    keys = in_order(keys)  # by group, then score; no other order is needed, and no index of it
    runs = starts(keys >> 1)  # of one group and score
    first_runs = starts(keys[runs] >> 33)  # of each group
    ends, firsts = np.append(runs[1:], len(keys)), runs[first_runs]
    ones_of_runs = np.add.reduceat(keys & 1, runs)
    doubled = np.add.reduceat(ones_of_runs * (runs + ends - 1), first_runs)  # ranks in all rows
    ones = np.add.reduceat(ones_of_runs, first_runs)
    sizes = np.diff(firsts, append=len(keys))
    pairs = ones * (sizes - ones)
    areas = np.full(len(sizes), np.nan)
    np.divide((doubled - 2 * firsts * ones - ones * (ones - 1)) / 2, pairs, areas, where=pairs > 0)
    return areas, sizes


def group_numbers(groups: np.ndarray) -> np.ndarray:
    """The groups in the same order, as numbers from 0 below 2^30."""
    least, most = int(groups.min()), int(groups.max())
    if most - least < 1 << 30:
        return (groups - least).astype(np.int64)
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)
