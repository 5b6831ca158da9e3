"""How a text becomes ids of words, or counts of them, as plain data: for who has a program alone.

What stands in it is enough to do the same without scikit-learn, but for runs of characters and
hashes, of which it names scikit-learn's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_cli.dataset.vectorizers.options import Options
from mtl_cli.dataset.vectorizers.tokens import FIRST, PADDING, UNKNOWN, Tokenizer
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer


def said_of(state: Mapping[str, Any], tokens: bool) -> dict[str, Any]:
    """``{"meaning": what a program is given, "text": how a text becomes it}``.

    Args:
        state: of the vectorizer; see `Vectorizer.state`.
        tokens: whether texts are ids of their words in their order; else counts of them.
    """
    vectorizer = Vectorizer.from_state(state)
    return said_of_tokens(vectorizer) if tokens else said_of_bag(vectorizer)


def said_of_tokens(vectorizer: Vectorizer) -> dict[str, Any]:
    """Of ids: those of the vocabulary, and two that are of no word."""
    ids = Tokenizer(vectorizer, None).index
    meaning = f"ids of the words of a text, in their order: {FIRST} to {FIRST + len(ids) - 1:,}, "
    meaning += f"as text says; {UNKNOWN}: a word that is not there; {PADDING}: after the last word"
    how = f"{cut(vectorizer.options)}; each is its number in ids, or that of unknown"
    how += "; what is too long is cut off, what is too short ends in padding"
    own = {"how": how, **words(vectorizer), "padding": PADDING, "unknown": UNKNOWN, "ids": ids}
    return {"meaning": meaning, "text": own}


def said_of_bag(vectorizer: Vectorizer) -> dict[str, Any]:
    """Of counts: which words there are, and what each counts."""
    own, last = vectorizer.options, vectorizer.num_features - 1
    meaning = f"numbers of the words that a text has, from 0 to {last:,}, as text says; -1: none"
    if not vectorizer.needs_fit:
        made = f"{vectorizer.inner!r}".replace("\n", " ")
        how = f"the columns and values of scikit-learn's {' '.join(made.split())}"
        return {"meaning": meaning, "text": {"how": how}}
    how = f"{cut(own)}; each that has a number in ids once, and beside it how often it comes"
    how += " (1 however often)" * own.binary
    said = {**words(vectorizer), "binary": own.binary}
    ids = {word: i for i, word in enumerate(vectorizer.vocabulary)}
    if own.kind == "count":
        return {"meaning": meaning, "text": {"how": how, **said, "ids": ids}}
    norms = {"l2": "the root of the sum of their squares", "l1": "their sum"}
    how += " (1 + its natural logarithm)" * own.sublinear_tf + ", times its number in idf"
    how += f"; those of a text are then divided by {norms[own.norm]}" if own.norm else ""
    said |= {"sublinear_tf": own.sublinear_tf, "norm": own.norm}
    idf = dict(zip(ids, map(float, vectorizer.inner.idf_), strict=True))
    return {"meaning": meaning, "text": {"how": how, **said, "ids": ids, "idf": idf}}


def words(vectorizer: Vectorizer) -> dict[str, Any]:
    """What cuts a text into words."""
    own, stop = vectorizer.options, vectorizer.inner.get_stop_words()
    made: dict[str, Any] = {"lowercase": own.lowercase, "analyzer": own.analyzer}
    if own.analyzer == "word":
        made |= {"pattern": own.token_pattern, "stop_words": sorted(stop or [])}
    return {**made, "ngram_range": list(own.ngram_range)}


def cut(own: Options) -> str:
    """The same in a sentence."""
    lower = "in lower case, " * own.lowercase
    if own.analyzer != "word":
        runs = "-".join(map(str, own.ngram_range))
        return f"{lower}runs of {runs} characters by scikit-learn's analyzer={own.analyzer}"
    said = f"{lower}all that pattern finds (as Python's re.findall)"
    said += ", without stop_words" * (own.stop_words is not None)
    if list(own.ngram_range) != [1, 1]:
        least, most = own.ngram_range
        said += f"; of these runs of {least} to {most}, joined by blanks"
    return said
