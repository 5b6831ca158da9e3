"""A vector for each word, and for a text the sum of its words' vectors: no bias, no layer more."""

from __future__ import annotations

from mtl_cli.basis.errors import check_integer
from mtl_cli.basis.initial import Matrix, set_initial
from mtl_cli.basis.inputs import BagOfWords, InputSpec, Tokens
from mtl_cli.encoder.base import Encoder


class Embedding(Encoder):
    """``sum_w count_w v_w``, in one stage.

    Args:
        spec: the input.
        out_features: F, the length of the vectors.
        initial: the first values of the vectors, [V, F]; None: drawn at random.

    Raises:
        ValueError: where the first values are not a vector for each word.
    """

    reads = (BagOfWords, Tokens)

    def __init__(self, spec: InputSpec, out_features: int, initial: Matrix | None) -> None:
        self.check_reads(spec)
        check_integer("encoder.out_features", out_features, 1, "encoder.out_features=128")
        linear = spec.linear(out_features, bias=False)
        (vectors,) = linear.parameters()  # [V, F]
        set_initial("encoder.initial", vectors, initial)
        super().__init__([linear], [(out_features,)])
