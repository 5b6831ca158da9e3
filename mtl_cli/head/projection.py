"""A linear head without a bias: the outputs are weighted sums of the features."""

from __future__ import annotations

import math

from torch import Tensor, nn

from mtl_cli.basis.initial import Matrix, set_initial


class Projection(nn.Linear):
    """``W f``; a map of features is flattened.

    Args:
        in_shape: the per-example shape of the features.
        out_features: O, the task's number of outputs.
        initial: the first values of W, [O, F]; None: drawn at random.

    Raises:
        ValueError: where the first values are not O rows of F numbers.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_features: int,
        initial: Matrix | None,
    ) -> None:
        super().__init__(math.prod(in_shape), out_features, bias=False)
        set_initial("head.initial", self.weight, initial)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.flatten(1))
