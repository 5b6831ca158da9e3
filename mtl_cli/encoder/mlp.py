"""A multi-layer perceptron: linear maps, each followed by an activation."""

from collections.abc import Sequence

from torch import nn

from mtl_cli.basis.activation import activation as make_activation
from mtl_cli.basis.errors import check_number, check_widths
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec, Joined, Row, Tokens
from mtl_cli.encoder.base import Encoder


class MLP(Encoder):
    """One stage a hidden layer: linear map, activation, dropout.

    Args:
        spec: the input; an image is flattened.
        hidden: the width of each layer.
        activation: the name of the activation after each layer.
        dropout: the share of each layer's outputs set to zero in training, from 0 to 1.
    """

    reads = (Dense, BagOfWords, Tokens, Row, Joined)
    wide_by = ("hidden",)

    def __init__(
        self, spec: InputSpec, hidden: Sequence[int], activation: str, dropout: float
    ) -> None:
        self.check_reads(spec)
        check_widths("encoder.hidden", hidden, "'encoder.hidden=[128]'")
        check_number("encoder.dropout", dropout, "encoder.dropout=0.1", 0, 1)
        stages = []
        for i, width in enumerate(hidden):
            linear = nn.Linear(hidden[i - 1], width) if i else spec.linear(width)
            layers = [*linear] if isinstance(linear, nn.Sequential) else [linear]
            layers.append(make_activation("encoder.activation", activation))
            stages.append(nn.Sequential(*layers, *[nn.Dropout(dropout)] * (dropout > 0)))
        super().__init__(stages, [(width,) for width in hidden])
