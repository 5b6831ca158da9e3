"""A linear head: one matrix from the features to the task's output."""

import math

from torch import nn


class Linear(nn.Sequential):
    """``W f + b``; a map of features is flattened.

    Args:
        in_shape: the per-example shape of the features.
        out_features: O, the task's number of outputs.
    """

    def __init__(self, in_shape: tuple[int, ...], out_features: int) -> None:
        flatten = [nn.Flatten()] * (len(in_shape) > 1)
        super().__init__(*flatten, nn.Linear(math.prod(in_shape), out_features))
