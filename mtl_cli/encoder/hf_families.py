"""How the models of Hugging Face's library for texts are cut: where their embeddings, layers, masks
and last norm are, an entry a family.

What a layer reads besides its features is made anew in each stage, of the features alone: so stages
may stand anywhere in an architecture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Arguments = Callable[[nn.Module], dict[str, Any]]  # of a layer


class Padding(nn.Module):
    """Layers that read which positions are padding, as what is added to the logits of attention."""

    def __init__(self, model: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor, is_token: Tensor) -> Arguments:
        arguments = {"attention_mask": ignoring(~is_token[:, None, None], x)}
        return lambda layer: arguments


class Relative(nn.Module):
    """Layers that read how far apart two positions are, by vectors that all layers share."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.shared = model.encoder
        layers, conv = self.shared.layer, self.shared.conv
        if conv is not None:
            layers[0] = Convolved(layers[0], conv)
        self.shared.layer, self.shared.conv = nn.ModuleList(), None  # each is in its own stage

    def forward(self, x: Tensor, is_token: Tensor) -> Arguments:
        arguments = {
            "attention_mask": self.shared.get_attention_mask(is_token.to(x.dtype)),
            "relative_pos": self.shared.get_rel_pos(x),
            "rel_embeddings": self.shared.get_rel_embedding(),
        }
        return lambda layer: arguments


class Convolved(nn.Module):
    """A layer with a convolution of its input beside it."""

    def __init__(self, layer: nn.Module, conv: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.conv = conv

    def forward(self, x: Tensor, attention_mask: Tensor, **others: Any) -> Tensor:
        is_token = attention_mask.diagonal(dim1=-2, dim2=-1).squeeze(1)  # [B, L]
        return self.conv(x, first(self.layer(x, attention_mask, **others)), is_token)


class Rotary(nn.Module):
    """Layers that turn queries and keys by their positions, some of which see a window alone."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.config = model.config
        self.rotary = model.rotary_emb

    def forward(self, x: Tensor, is_token: Tensor) -> Arguments:
        places = torch.arange(x.shape[1], device=x.device)
        ignored = ~is_token[:, None, None]  # [B, 1, 1, L]
        far = (places - places[:, None]).abs() > self.config.local_attention // 2  # [L, L]
        masks = {"full_attention": ignored, "sliding_attention": ignored | far}
        own = {
            kind: {
                "attention_mask": ignoring(masks[kind], x),
                "position_embeddings": self.rotary(x, places[None], kind),
            }
            for kind in dict.fromkeys(self.config.layer_types)
        }
        return lambda layer: own[layer.attention_type]


def ignoring(mask: Tensor, x: Tensor) -> Tensor:
    """What is added to logits so that attention ignores what is masked."""
    return torch.zeros_like(mask, dtype=x.dtype).masked_fill(mask, torch.finfo(x.dtype).min)


def first(given: Any) -> Tensor:
    """The features of what a layer gives: some give more, or have done so."""
    return given[0] if isinstance(given, tuple) else given


@dataclass(frozen=True)
class Family:
    """How a family of models is cut.

    Args:
        layers: where the layers are.
        context: what makes of features what layers read besides.
        norm: where the norm after the last layer is; None: there is none.
        first_position: the number of the first position among those of the embeddings, of the id
            of padding.
    """

    layers: str
    context: type[nn.Module]
    norm: str | None = None
    first_position: Callable[[int], int] = lambda padding: 0


ENCODER = Family("encoder.layer", Padding)
AFTER_PADDING = Family("encoder.layer", Padding, first_position=lambda padding: padding + 1)
FAMILIES = {  # {the model_type of a configuration: how it is cut}
    "bert": ENCODER,
    "roberta": AFTER_PADDING,
    "xlm-roberta": AFTER_PADDING,
    "distilbert": Family("transformer.layer", Padding),
    "deberta-v2": Family("encoder.layer", Relative),
    "modernbert": Family("layers", Rotary, norm="final_norm"),
}
