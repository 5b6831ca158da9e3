"""Texts as token ids: the words of a vectorizer's vocabulary, in their order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.vectorizers.options import SLOT, Options
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer

PADDING, UNKNOWN, FIRST = 0, 1, 2  # ids: of no word, of a word that is not known, of the first word


class Tokenizer:
    """``words -> ids``: id ``FIRST + column`` for each word of the vocabulary.

    Args:
        vectorizer: fitted; it cuts texts into words, and has chosen those that count.
        max_length: L, in words; what is longer is cut off. None: that of the longest train text.
    """

    def __init__(self, vectorizer: Vectorizer, max_length: int | None) -> None:
        self.words_of = vectorizer.words_of()
        self.index = {word: FIRST + i for i, word in enumerate(vectorizer.vocabulary)}
        self.max_length = max_length

    @property
    def num_ids(self) -> int:
        """The ids that there are, padding among them."""
        return FIRST + len(self.index)

    def encode(self, texts: Iterable[str]) -> list[np.ndarray]:
        """The ids of each text, whole."""
        ids = self.index.get
        return [
            np.array([ids(word, UNKNOWN) for word in self.words_of(text)], dtype=np.int32)
            for text in texts
        ]

    def pad(self, texts: list[np.ndarray], length: int) -> Tensor:
        """The texts as ids [N, L] that end in padding."""
        padded = np.full((len(texts), length), PADDING, dtype=np.int32)
        for row, text in zip(padded, texts, strict=True):
            row[: len(text)] = text[:length]
        return torch.from_numpy(padded)


def check_single_words(options: Options) -> None:
    """Refuses a vectorizer whose words are none that stand one after the other."""
    if options.kind == "hashing" or list(options.ngram_range) != [1, 1]:
        rule = "must know single words for dataset.read_as=tokens"
        found = f"{SLOT}.kind={options.kind} {SLOT}.ngram_range={list(options.ngram_range)}"
        raise problem(SLOT, rule, found, f"{SLOT}.kind=tfidf '{SLOT}.ngram_range=[1,1]'")
