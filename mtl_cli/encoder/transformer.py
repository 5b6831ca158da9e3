"""A transformer encoder over the tokens of a text or the patches of an image.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser & Polosukhin, "Attention Is All You
Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, section 3; for images Dosovitskiy et al.,
"An Image is Worth 16x16 Words", ICLR 2021, https://arxiv.org/abs/2010.11929, equations 1-4.
"""

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from mtl_cli.basis.errors import check_boolean, check_integer, check_number, problem
from mtl_cli.basis.inputs import Dense, InputSpec, Tokens
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.transformer_stages import EmbedPatches, EmbedTokens, Layer, Mean, Norm, grid


class Transformer(Encoder):
    """A stage for the embedding, one for each layer, and in the last the mean over positions.

    Of an image, the last may also give the map of patches ``(D, H/p, W/p)``, for dense prediction.

    The embedding is ``x_i = e(token or patch i) + p_i``; a layer is
    ``x <- x + Attention(LayerNorm(x))``, then ``x <- x + MLP(LayerNorm(x))`` with GELU.

    Stages pass channels first: a text as ``(D, L)``, an image as its map of patches ``(D, H, W)``.
    A text's padding is zero in all channels after every stage: this is how the next stage knows it
    from words, which attend to words alone, and it stays so where an architecture mixes the
    outputs of several stages. So padding changes no feature; a text without words gives zeros.

    Departures: from the first paper, normalisation comes before and positions are learned, as in
    the second; from the second, features are the mean over positions, not a class token's, and
    positions start as large as in the first (0.02, its code's, learns the order late). The
    embedding has no dropout, which could make a word look like padding.

    Args:
        spec: the input, token ids or an image ``(C, H, W)``.
        dim: D, the width of the layers, a multiple of ``num_heads``.
        num_heads: attention heads of a layer.
        num_layers: layers.
        mlp_ratio: the hidden width of a layer's MLP as a multiple of D, at least 1.
        dropout: the share of attention weights, MLP activations and outputs of both set to zero
            in training, from 0 to 1.
        patch_size: p, the side of an image's patches in pixels, which divides the image's sides.
        pool: whether the last stage ends in the mean over all positions; else, for images, in the
            normalised map.

    Raises:
        ValueError: where the input is a vector, or D or the image cannot be divided so, and where
            a text is to give a map.
    """

    reads = (Tokens, Dense)
    wide_by = ("dim",)
    maps_by = "encoder.pool=false"

    def __init__(
        self,
        spec: InputSpec,
        dim: int,
        num_heads: int,
        num_layers: int,
        mlp_ratio: float,
        dropout: float,
        patch_size: int,
        pool: bool,
    ) -> None:
        self.check_reads(spec)
        assert isinstance(spec, Tokens | Dense)
        check_integer("encoder.dim", dim, 1, "encoder.dim=128")
        check_integer("encoder.num_heads", num_heads, 1, "encoder.num_heads=4")
        check_integer("encoder.num_layers", num_layers, 1, "encoder.num_layers=2")
        check_number("encoder.mlp_ratio", mlp_ratio, "encoder.mlp_ratio=4", 1)
        check_number("encoder.dropout", dropout, "encoder.dropout=0.1", 0, 1)
        check_integer("encoder.patch_size", patch_size, 1, "encoder.patch_size=4")
        check_boolean("encoder.pool", pool)
        if dim % num_heads:
            rule = f"must be a multiple of encoder.num_heads={num_heads}"
            fix = f"encoder.dim={math.ceil(dim / num_heads) * num_heads}"
            raise problem("encoder.dim", rule, dim, fix)
        embedding: nn.Module
        shape: tuple[int, ...]
        if isinstance(spec, Tokens):
            if not pool:
                rule = "gives the map of an image's patches, and texts have none"
                raise problem("encoder.pool=false", rule, str(spec), "encoder.pool=true")
            embedding, shape = EmbedTokens(spec, dim), (dim, spec.length)
        else:
            height, width = grid(spec, patch_size)
            embedding, shape = EmbedPatches(spec, dim, patch_size), (dim, height, width)
        hidden = int(mlp_ratio * dim)
        layers = [Layer(dim, num_heads, hidden, dropout) for _ in range(num_layers)]
        super().__init__(
            [embedding, *layers[:-1], nn.Sequential(layers[-1], Mean(dim) if pool else Norm(dim))],
            [*[shape] * num_layers, shape[:1] if pool else shape],
        )

    @classmethod
    def widened(cls, options: Mapping[str, Any], factor: float) -> dict[str, Any]:
        heads = options["num_heads"]  # divides the width
        return {"dim": heads * max(1, round(factor * options["dim"] / heads))}
