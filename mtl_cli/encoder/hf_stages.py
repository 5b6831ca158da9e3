"""The stages of a pretrained encoder of texts: embeddings, groups of layers, and the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.inputs import Subwords
from mtl_cli.basis.layered import Layered
from mtl_cli.encoder.hf_families import first


class Embed(Layered):
    """A vector for each token, its place and the text of a pair that it is of; zeros after them.

    A batch is as long as its longest text.
    """

    def __init__(self, embeddings: nn.Module, spec: Subwords, config: Any) -> None:
        super().__init__()
        self.num_layers = config.num_hidden_layers
        self.embeddings = embeddings
        self.vocabulary_size = spec.vocabulary_size
        self.padding = config.pad_token_id or 0
        self.reads_types = 1 < spec.segments <= getattr(config, "type_vocab_size", 0)

    def above(self) -> Iterator[tuple[nn.Module, int]]:
        yield self.embeddings, self.num_layers

    def forward(self, x: Bag) -> Tensor:
        codes, is_token = padded(x)
        ids = (codes % self.vocabulary_size).masked_fill(~is_token, self.padding)
        types = {"token_type_ids": codes // self.vocabulary_size} if self.reads_types else {}
        out = self.embeddings(input_ids=ids, **types)  # [B, L, D]
        return (out * is_token.unsqueeze(2)).transpose(1, 2)  # [B, D, L]


def padded(x: Bag) -> tuple[Tensor, Tensor]:
    """The texts of a batch as [B, L], and which of it is no padding."""
    places = x.offsets[:-1, None] + torch.arange(x.longest, device=x.offsets.device)
    # The one place of all padding comes last, and counts 0.
    places = torch.where(places < x.offsets[1:, None], places, x.indices.shape[0])
    codes, counts = (nn.functional.pad(own, (0, 1))[places] for own in (x.indices, x.weights))
    return codes.long(), counts != 0


class Group(Layered):
    """Some layers in a row, on features [B, D, L].

    Args:
        layers: all of the encoder.
        own: which of them.
        context: makes what they read besides.
        checkpointing: whether the backward pass computes them anew.
    """

    def __init__(
        self, layers: Sequence[nn.Module], own: range, context: nn.Module, checkpointing: bool
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers[i] for i in own)
        self.own = own
        self.num_layers = len(layers)
        self.context = context
        self.checkpointing = checkpointing

    def above(self) -> Iterator[tuple[nn.Module, int]]:
        yield self.context, self.num_layers
        for i, layer in zip(self.own, self.layers, strict=True):
            yield layer, self.num_layers - 1 - i

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)  # [B, L, D]
        is_token = find_tokens(x)
        # Without tokens, attention over nothing would be NaN: padding then attends to padding.
        arguments = self.context(x, is_token | ~is_token.any(1, keepdim=True))
        again = self.checkpointing and self.training and torch.is_grad_enabled()
        for layer in self.layers:
            run = partial(checkpoint, layer, use_reentrant=False) if again else layer
            x = first(run(x, **arguments(layer)))
        return (x * is_token.unsqueeze(2)).transpose(1, 2)


class Pool(Layered):
    """The model's last norm, where it has one, then one vector of a text's tokens."""

    def __init__(self, norm: nn.Module | None, pool: str) -> None:
        super().__init__()
        self.norm = nn.Identity() if norm is None else norm
        self.pool = pool

    def above(self) -> Iterator[tuple[nn.Module, int]]:
        yield self.norm, 0

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)  # [B, L, D]
        if self.pool == "cls":
            return self.norm(x[:, 0])
        is_token = find_tokens(x).unsqueeze(2)
        return (self.norm(x) * is_token).sum(1) / is_token.sum(1).clamp(min=1)  # [B, D]


def find_tokens(x: Tensor) -> Tensor:
    """Which positions of texts [B, L, D] are tokens, not padding, as [B, L]."""
    return x.detach().abs().amax(2) != 0  # several times as fast as any()
