"""Inputs that a program is given as the model reads them: numbers, ids, words with their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec, Joined, Row, Subwords, Tokens
from mtl_cli.exported.entry import BATCH, Entry, Given
from mtl_cli.exported.parts import Parts
from mtl_cli.exported.rows import Rows
from mtl_cli.exported.words import Words


class AsRead(Entry):
    """A tensor, as it is.

    Args:
        name: of the tensor.
        shape: of an example.
        kind: of its elements.
        meaning: what it holds.
        example: see `Given`.
    """

    def __init__(
        self, name: str, shape: Sequence[int], kind: torch.dtype, meaning: str, example: Any
    ) -> None:
        super().__init__([Given(name, (BATCH, *shape), kind, meaning, example)])

    def forward(self, given: Mapping[str, Tensor]) -> Tensor:
        return given[self.tensors[0].name]

    def of(self, x: Tensor) -> dict[str, Tensor]:
        return {own.name: x.to(own.kind) for own in self.tensors}


@singledispatch
def by_spec(spec: InputSpec, name: str) -> Entry:
    """The entry of an input, as the model reads it.

    Args:
        spec: of the input.
        name: of the input, which its tensors have, or begin with.
    """
    rule = "must be of a kind that programs are given: numbers, words, tokens, rows, or such parts"
    fix = "@by_spec.register in mtl_cli/exported/as_read.py, for a kind of your own"
    raise problem(f"input {name}", rule, spec.kind, fix)


@by_spec.register
def _(spec: Dense, name: str) -> Entry:
    many = len(spec.shape) > 1 or spec.shape[0] > 1000
    example = 0.0 if many else [0.0] * spec.shape[0]
    return AsRead(name, spec.shape, torch.float32, "numbers, as the model reads them", example)


@by_spec.register
def _(spec: BagOfWords, name: str) -> Entry:
    return Words(name, f"words of the vocabulary, from 0 to {spec.vocabulary_size - 1:,}", True)


@by_spec.register
def _(spec: Tokens, name: str) -> Entry:
    said = f"token ids, from 1 to {spec.vocabulary_size - 1:,}; 0 after the end"
    example = [1] + [0] * (spec.length - 1)
    return AsRead(name, (spec.length,), torch.int64, said, example)


@by_spec.register
def _(spec: Subwords, name: str) -> Entry:
    said = f"subword ids, from 0 to {spec.vocabulary_size - 1:,}"
    if spec.segments > 1:
        said += f", and of the second text of a pair {spec.vocabulary_size:,} more"
    return Words(name, said, False, spec.length)


@by_spec.register
def _(spec: Row, name: str) -> Entry:
    return Rows(spec, f"{name}.")


@by_spec.register
def _(spec: Joined, name: str) -> Entry:
    parts = {part: by_spec(own, f"{name}.{part}") for part, own in spec.parts}
    return Parts(parts, f"{name}.")
