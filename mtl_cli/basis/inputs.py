"""Input specs: what one example of an input looks like, and how a linear map reads it.

Encoders and gates ask the spec for their first linear map, so each of them reads every kind of
input. A new kind is one more class here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Examples, Fields, Joint
from mtl_cli.basis.errors import problem
from mtl_cli.basis.linear_maps import BagLinear, CountTokens, JoinedLinear, RowLinear


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
    """Numbers of one shape: features ``(F,)`` or an image ``(C, H, W)``.

    Args:
        shape: of an example.
        pixels: of a photograph in colour: the mean that was subtracted from values from 0 to 1, and
            the deviation that they were divided by; None: it is no such picture. Weights that were
            learned with other numbers are fitted to these.
    """

    shape: tuple[int, ...]
    pixels: tuple[float, float] | None = field(default=None, compare=False)
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


@dataclass(frozen=True)
class Subwords(InputSpec):
    """The subwords of a text in their order, by a pretrained model's tokenizer: a `Bag` of their
    codes, each of which counts 1, so that batches hold no padding.

    A code is ``id + V * segment``. Its linear map is that of the text's bag of words, as of
    `Tokens`, and tells the texts of a pair apart.

    Args:
        vocabulary_size: V; the ids are 0 to V - 1.
        length: L, of the longest text, in subwords.
        segments: 2: texts are pairs, whose first one is segment 0; 1: no segments are told apart.
    """

    vocabulary_size: int
    length: int
    segments: int = 1
    kind = "subword ids"

    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        return BagLinear(self.segments * self.vocabulary_size, out_features, bias)

    def example(self, batch_size: int) -> Bag:
        lengths = torch.randint(1, self.length + 1, (batch_size,))
        codes = torch.randint(self.segments * self.vocabulary_size, (int(lengths.sum()),))
        offsets = nn.functional.pad(lengths.cumsum(0), (1, 0))
        return Bag(codes, offsets, torch.ones(len(codes)))


@dataclass(frozen=True)
class Row(InputSpec):
    """A row of a table (`Fields`): N numbers, C categories and L lists of categories, by codes.

    Its linear map is ``nn.Linear`` on the row with each category one-hot and each list as its
    codes' weights, of which no more than N + C + L entries are of size 1: this is what it is drawn
    for. A table of numbers alone is `Dense`.

    Args:
        numbers: N, from 0.
        categories: for each of the C columns, how many codes there are, from 0.
        lists: for each of the L columns, likewise.
        vocabularies: for each of the C + L columns, the number of its vocabulary, where some have
            the same one; empty: each has its own.
        widths: for each of them, how wide its vectors in an embedding are; 0: as all others.
    """

    numbers: int
    categories: tuple[int, ...]
    lists: tuple[int, ...] = ()
    vocabularies: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()
    kind = "rows of numbers and categories"

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of each of the C + L columns: how many codes there are."""
        return self.categories + self.lists

    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        return RowLinear(self.numbers, self.categories, self.lists, out_features, bias)

    def example(self, batch_size: int) -> Fields:
        codes = [torch.randint(size, (batch_size, 1)) for size in self.categories]
        none = torch.zeros(batch_size, 0, dtype=torch.long)
        lists = []
        for size in self.lists:
            words, offsets = torch.randint(size, (2 * batch_size,)), range(0, 2 * batch_size + 1, 2)
            lists.append(Bag(words, torch.tensor(offsets), torch.full((len(words),), 0.5)))
        numbers = torch.randn(batch_size, self.numbers)
        return Fields(numbers, torch.cat([none, *codes], 1), tuple(lists))


@dataclass(frozen=True)
class Joined(InputSpec):
    """An input that is made of inputs (`Joint`): a picture and a row, a text beside numbers.

    Its linear map is the sum of its parts' maps and one bias. For a part that an example lacks it
    has a vector of its own in place of the part's map, which is zero before training.

    Args:
        parts: name and spec of each, two or more.
    """

    parts: tuple[tuple[str, InputSpec], ...]
    kind = "parts, each an input"

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(f'{name} ({own.kind})' for name, own in self.parts)}"

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            found = ", ".join(name for name, _ in self.parts) or "none"
            rule, fix = "needs two parts or more", "the part alone, as an input of its own kind"
            raise problem("a joined input", rule, found, fix)

    def linear(self, out_features: int, bias: bool = True) -> nn.Module:
        maps = {name: spec.linear(out_features, bias=False) for name, spec in self.parts}
        return JoinedLinear(maps, out_features, bias)

    def example(self, batch_size: int) -> Joint:
        parts = {name: spec.example(batch_size) for name, spec in self.parts}
        return Joint(parts, torch.rand(batch_size, len(parts)) < 0.8)
