"""A linear map of the input: the smallest encoder, and the baseline that any other must beat."""

from mtl_cli.basis.errors import check_integer
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec, Joined, Row, Tokens
from mtl_cli.encoder.base import Encoder


class Linear(Encoder):
    """``W x + b``, in one stage.

    Args:
        spec: the input.
        out_features: F, the number of features.
    """

    reads = (Dense, BagOfWords, Tokens, Row, Joined)

    def __init__(self, spec: InputSpec, out_features: int) -> None:
        self.check_reads(spec)
        check_integer("encoder.out_features", out_features, 1, "encoder.out_features=128")
        super().__init__([spec.linear(out_features)], [(out_features,)])
