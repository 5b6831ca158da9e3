"""Input specs: what one example of an input looks like, and how a linear map reads it.

Encoders and gates ask the spec for their first linear map, so each of them reads every kind of
input. A new kind is one more class here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtl_cli.batch import Bag, Examples


class InputSpec(ABC):
    """The kind and the per-example shape of an input; equal specs share their parameters."""

    kind: str

    @abstractmethod
    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        """A linear map from this input to ``[B, out_features]``, drawn as ``nn.Linear`` draws."""

    @abstractmethod
    def example(self, batch_size: int) -> Examples:
        """Some valid examples, to try a model on."""


@dataclass(frozen=True)
class Dense(InputSpec):
    """Numbers of one shape: features ``(F,)`` or an image ``(C, H, W)``."""

    shape: tuple[int, ...]
    kind = "dense"

    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        linear = nn.Linear(math.prod(self.shape), out_features, bias)
        return linear if len(self.shape) == 1 else nn.Sequential(nn.Flatten(), linear)

    def example(self, batch_size: int) -> Tensor:
        return torch.randn(batch_size, *self.shape)


@dataclass(frozen=True)
class BagOfWords(InputSpec):
    """Counts over a vocabulary, kept sparse (`Bag`): a dense ``[B, V]`` matrix never exists."""

    vocabulary_size: int
    kind = "bag of words"

    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        return BagLinear(self.vocabulary_size, out_features, bias)

    def example(self, batch_size: int) -> Bag:
        words = torch.randint(self.vocabulary_size, (4 * batch_size,))
        offsets = torch.arange(0, 4 * batch_size + 1, 4)
        return Bag(words, offsets, torch.ones(len(words)))


@dataclass(frozen=True)
class Tokens(InputSpec):
    """The words of a text in their order, as token ids [B, L] (long) that end in padding, 0.

    Its linear map does not see the order: it is that of the text's bag of words, the sum of the
    tokens' rows without padding's, plus the bias. So a gate reads a text as it reads its counts.

    Args:
        vocabulary_size: V; the ids are 0 to V - 1, padding among them.
        length: L, of the longest text, in tokens.
    """

    vocabulary_size: int
    length: int
    kind = "token ids"

    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        return nn.Sequential(CountTokens(), BagLinear(self.vocabulary_size, out_features, bias))

    def example(self, batch_size: int) -> Tensor:
        tokens = torch.randint(1, self.vocabulary_size, (batch_size, self.length))
        lengths = torch.randint(1, self.length + 1, (batch_size, 1))
        return tokens * (torch.arange(self.length) < lengths)


class CountTokens(nn.Module):
    """Texts [B, L] as bags of words: each token counts 1, padding 0."""

    def forward(self, x: Tensor) -> Bag:
        tokens = x.flatten()
        offsets = torch.arange(0, len(tokens) + 1, x.shape[1], device=x.device)
        return Bag(tokens, offsets, (tokens != 0).to(torch.get_default_dtype()))


class BagLinear(nn.Module):
    """``nn.Linear`` on the counts of a bag of words: the weighted sum of its words' rows."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(in_features, out_features).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(out_features).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x: Bag) -> Tensor:
        return bag_linear(x, self.weight, self.bias)


def bag_linear(x: Bag, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``counts @ weight + bias`` for ``weight`` of shape [V, O], as [B, O]."""
    out = nn.functional.embedding_bag(
        x.indices,
        weight,
        x.offsets,
        mode="sum",
        per_sample_weights=x.weights,
        include_last_offset=True,
    )
    return out if bias is None else out + bias
