"""What a user sets of a vectorizer of texts, and scikit-learn's vectorizer for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, nearest, problem

SLOT = "dataset.vectorizer"
KINDS = ["count", "tfidf", "hashing"]
ANALYZERS = ["word", "char", "char_wb"]


@dataclass(frozen=True)
class Options:
    """What a user sets of a vectorizer.

    Args:
        kind: ``count`` (how often each word comes), ``tfidf`` (the same, rare words counting more:
            ``tf (ln((1 + n) / (1 + df)) + 1)``) or ``hashing`` (counts, with a random sign, of
            the words' hashes: no vocabulary, nothing to fit, texts of any number).
        analyzer: what a text is made of: ``word``; ``char``, characters, for languages without
            blanks between words; or ``char_wb``, characters within words.
        ngram_range: the shortest and the longest run of words, or of characters, that is counted
            as a word.
        min_df: in how many train texts a word must come; a share of them where below 1.
        max_df: in how many it may; a share of them where a fraction.
        max_features: the largest vocabulary, of the most frequent words; None: all.
        num_features: the number of hashes.
        lowercase: whether letters count without their case.
        stop_words: words that do not count: None, ``english``, or a list.
        token_pattern: a regular expression for what a word is, where words are read.
        binary: whether a word counts once however often it comes.
        sublinear_tf: whether tf-idf reads ``1 + ln tf`` for tf.
        norm: the length of each text of tf-idf and hashing: ``l2``, ``l1``, or None as it is.
    """

    kind: str
    analyzer: str
    ngram_range: list[int]
    min_df: float
    max_df: float
    max_features: int | None
    num_features: int
    lowercase: bool
    stop_words: str | list[str] | None
    token_pattern: str
    binary: bool
    sublinear_tf: bool
    norm: str | None

    def __post_init__(self) -> None:
        check_choice(f"{SLOT}.kind", self.kind, KINDS, f"{SLOT}.kind=count")
        check_choice(f"{SLOT}.analyzer", self.analyzer, ANALYZERS, f"{SLOT}.analyzer=char")
        if self.stop_words is not None and self.analyzer != "word":
            rule = "must be null where characters are read"
            raise problem(f"{SLOT}.stop_words", rule, self.stop_words, f"{SLOT}.stop_words=null")
        pair = self.ngram_range
        whole = isinstance(pair, list | tuple) and all(isinstance(n, int) for n in pair)
        if not whole or len(pair) != 2 or not 1 <= pair[0] <= pair[1]:
            rule = "must be the shortest and the longest run of words"
            raise problem(f"{SLOT}.ngram_range", rule, pair, f"'{SLOT}.ngram_range=[1,2]'")
        if self.max_features is not None:
            check_integer(
                f"{SLOT}.max_features", self.max_features, 1, f"{SLOT}.max_features=20000"
            )
        check_integer(f"{SLOT}.num_features", self.num_features, 1, f"{SLOT}.num_features=65536")
        for name in ("lowercase", "binary", "sublinear_tf"):
            check_boolean(f"{SLOT}.{name}", getattr(self, name))
        if self.norm is not None:
            check_choice(f"{SLOT}.norm", self.norm, ["l1", "l2"], f"{SLOT}.norm=l2")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """The options of a config's mapping.

        Raises:
            ValueError: where one is unknown or missing.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(values, Mapping):
            raise problem(SLOT, "is a mapping of options", values, f"{SLOT}.kind={values}")
        if unknown := sorted(set(values) - set(known)):
            fix = nearest(unknown[0], known) or "kind"
            rule = f"has no such option; it has {', '.join(known)}"
            raise problem(f"{SLOT}.{unknown[0]}", rule, values[unknown[0]], f"{SLOT}.{fix}=...")
        if missing := sorted(set(known) - set(values)):
            raise problem(SLOT, f"needs {', '.join(missing)}", dict(values), "dataset=text")
        return cls(**values)

    def make(self) -> Any:
        """scikit-learn's vectorizer, not fitted."""
        from sklearn.feature_extraction import text

        common = {
            "analyzer": self.analyzer,
            "ngram_range": tuple(self.ngram_range),
            "lowercase": self.lowercase,
            "stop_words": self.stop_words,
            "binary": self.binary,
            "dtype": np.float32,
        }
        if self.analyzer == "word":
            common["token_pattern"] = self.token_pattern  # else unused, as scikit-learn would warn
        if self.kind == "hashing":
            return text.HashingVectorizer(**common, n_features=self.num_features, norm=self.norm)
        common |= {"min_df": self.min_df, "max_df": self.max_df, "max_features": self.max_features}
        if self.kind == "count":
            return text.CountVectorizer(**common)
        return text.TfidfVectorizer(**common, norm=self.norm, sublinear_tf=self.sublinear_tf)
