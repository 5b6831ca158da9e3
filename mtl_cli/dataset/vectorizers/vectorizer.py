"""Vectorizers: texts as bags of words, by scikit-learn, with all that was learned as plain data.

https://scikit-learn.org/stable/modules/feature_extraction.html#text-feature-extraction
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import problem
from mtl_cli.dataset.vectorizers.options import SLOT, Options

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

EMPTY = ("empty vocabulary", "no terms remain", "documents than min_df")  # as scikit-learn says it


class Vectorizer:
    """One vectorizer for all sources, fitted once, on train texts alone.

    Args:
        options: what kind of vectorizer.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.inner = options.make()

    @property
    def needs_fit(self) -> bool:
        """Whether it learns anything of the train texts."""
        return self.options.kind != "hashing"

    @property
    def num_features(self) -> int:
        """V, the words (or hashes) that it knows."""
        return len(self.inner.vocabulary_) if self.needs_fit else self.options.num_features

    def fit(self, texts: Iterable[str]) -> csr_matrix:
        """Learns the vocabulary, and gives the same texts as `transform` would.

        Raises:
            ValueError: where no word is left, or an option is none that scikit-learn takes.
        """
        try:
            matrix = self.inner.fit_transform(texts)
        except ValueError as error:
            if any(words in str(error) for words in EMPTY):
                rule = "must leave some word of the train texts in the vocabulary"
                fix = f"{SLOT}.min_df=1 {SLOT}.stop_words=null, or another token_pattern"
                raise problem(SLOT, rule, f"none ({error})", fix) from error
            raise problem(
                SLOT, "must be options that fit", str(error), f"{SLOT}.min_df=1"
            ) from error
        matrix.sort_indices()  # so that a text's sums are the same to the bit when it is read anew
        return matrix

    def transform(self, texts: Iterable[str]) -> csr_matrix:
        """The texts as a sparse matrix [N, V]; words that it does not know are left out."""
        from scipy.sparse import csr_matrix

        texts = iter(texts)
        for first in texts:
            return self.inner.transform(chain([first], texts))
        return csr_matrix((0, self.num_features), dtype=np.float32)  # scikit-learn refuses none

    def words_of(self) -> Callable[[str], list[str]]:
        """What cuts a text into the words that are counted."""
        return self.inner.build_analyzer()

    @property
    def vocabulary(self) -> list[str]:
        """The words in the order of the columns."""
        return sorted(self.inner.vocabulary_, key=self.inner.vocabulary_.__getitem__)

    def state(self) -> dict[str, Any]:
        """Options, vocabulary and weights: words and numbers."""
        state: dict[str, Any] = {"options": asdict(self.options)}
        if self.needs_fit:
            state["vocabulary"] = self.vocabulary
        if self.options.kind == "tfidf":
            state["idf"] = self.inner.idf_.tolist()
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Vectorizer:
        """The vectorizer that gave this state."""
        vectorizer = cls(Options.of(state["options"]))
        if vectorizer.needs_fit:
            inner = vectorizer.inner
            inner.set_params(vocabulary={word: i for i, word in enumerate(state["vocabulary"])})
            inner._validate_vocabulary()
            if vectorizer.options.kind == "tfidf":
                inner.idf_ = np.array(state["idf"], dtype=np.float32)
        return vectorizer


def as_bag(matrix: csr_matrix) -> Bag:
    """The rows of a sparse matrix, without a copy where that can be."""
    index = np.int32 if matrix.indices.dtype == matrix.indptr.dtype == np.int32 else np.int64
    return Bag(
        torch.from_numpy(matrix.indices.astype(index, copy=False)),
        torch.from_numpy(matrix.indptr.astype(index, copy=False)),
        torch.from_numpy(matrix.data.astype(np.float32, copy=False)),
    )
