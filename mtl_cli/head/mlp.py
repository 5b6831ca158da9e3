"""A head with hidden layers (the "tower" of the mixture-of-experts papers)."""

import math
from collections.abc import Sequence

from torch import nn

from mtl_cli.basis.activation import activation as make_activation
from mtl_cli.basis.errors import check_number, check_widths


class MLP(nn.Sequential):
    """Hidden layers with an activation each, then a linear map; a map of features is flattened.

    Args:
        in_shape: the per-example shape of the features.
        out_features: O, the task's number of outputs.
        hidden: the width of each hidden layer.
        activation: the name of the activation after each hidden layer.
        dropout: the share of each hidden layer's outputs set to zero in training, from 0 to 1.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_features: int,
        hidden: Sequence[int],
        activation: str,
        dropout: float,
    ) -> None:
        check_widths("head.hidden", hidden, "'head.hidden=[64]'")
        check_number("head.dropout", dropout, "head.dropout=0.1", 0, 1)
        layers: list[nn.Module] = [nn.Flatten()] * (len(in_shape) > 1)
        width = math.prod(in_shape)
        for next_width in hidden:
            layers += [nn.Linear(width, next_width), make_activation("head.activation", activation)]
            layers += [nn.Dropout(dropout)] * (dropout > 0)
            width = next_width
        super().__init__(*layers, nn.Linear(width, out_features))
