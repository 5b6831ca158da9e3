"""No head at all: the features are the outputs."""

import math

from torch import Tensor, nn

from mtl_cli.basis.errors import problem


class Identity(nn.Module):
    """The features themselves; a map of features is flattened.

    Args:
        in_shape: the per-example shape of the features.
        out_features: O, the task's number of outputs.

    Raises:
        ValueError: where there are not as many features as outputs.
    """

    def __init__(self, in_shape: tuple[int, ...], out_features: int) -> None:
        super().__init__()
        if math.prod(in_shape) != out_features:
            rule = f"needs as many features as the task has outputs, {out_features}"
            fix = "head=linear, or an encoder of that width"
            raise problem("head=identity", rule, f"{math.prod(in_shape)} features", fix)

    def forward(self, features: Tensor) -> Tensor:
        return features.flatten(1)
