"""A linear head: one matrix from the features to the task's output."""

import math

from torch import Tensor, nn


class Linear(nn.Linear):
    """``W f + b``; a map of features is flattened.

    Args:
        in_shape: the per-example shape of the features.
        out_features: O, the task's number of outputs.
    """

    def __init__(self, in_shape: tuple[int, ...], out_features: int) -> None:
        super().__init__(math.prod(in_shape), out_features)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.flatten(1))
