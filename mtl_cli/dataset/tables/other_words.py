"""What other tools call the types of columns and their options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_cli.basis.errors import bare, nearest
from mtl_cli.basis.shell import in_quotes
from mtl_cli.dataset.files.column_names import words_for

# TorchEasyRec, FuxiCTR, torch-rechub, DeepCTR, RecBole and pandas, without underscores
OPTIONS: Mapping[str, Sequence[str]] = {
    "hash": ("hashbucketsize", "hashsize", "numbuckets", "buckets"),
    "width": ("embeddingdim", "embeddim", "embdim", "embeddingsize", "dim", "size"),
    "split": ("separator", "sep", "delimiter", "splitter", "sequencedelim"),
    "pool": ("pooling", "combiner", "encoder", "featureencoder", "aggregation", "mode"),
    "max": ("maxlen", "maxlength", "sequencelength", "length", "maxsequencelength", "truncate"),
    "min_count": ("minfreq", "minfrequency", "mincategrcount", "threshold", "minoccurrences"),
    "vocabulary_of": ("shareembedding", "embeddingname", "sharedwith", "sharedembedding"),
    "max_vocabulary": ("vocabsize", "vocabularysize", "numembeddings", "maxvocab"),
    "type": ("dtype", "kind", "featuretype"),
}
TYPES: Mapping[str, Sequence[str]] = {
    "category": ("sparse", "sparsefeat", "idfeature", "token", "string", "str", "enum"),
    "list": ("sequence", "tokenseq", "multivalued", "multi", "varlen", "bag", "set", "tags"),
    "number": ("dense", "densefeat", "rawfeature", "continuous", "float", "int", "integer"),
    "date": ("datetime", "timestamp", "time"),
    "text": ("document", "freetext", "sentence", "textfeature", "nlp"),
    "subwords": ("subword", "wordpiece", "bpe", "sentencepiece", "transformer", "bert"),
    "image": ("picture", "photo", "img", "imagefeature", "imagepath", "vision"),
    "drop": ("ignore", "skip", "meta"),
}


def meant(word: Any, known: Sequence[str], others: Mapping[str, Sequence[str]]) -> str | None:
    """The known word that another tool's stands for, or that is nearest; None: nobody knows."""
    plain = bare(str(word))
    ours = next((own for own, theirs in others.items() if plain in theirs), None)
    if word is None or ours in known:
        return ours
    return nearest(str(word), list(known))


def said_as(column: str, options: Mapping[str, Any]) -> str:
    """What to type for a column with these options."""
    return words_for(column, ", ".join(f"{key}: {written(own)}" for key, own in options.items()))


def written(value: Any) -> str:
    """A single value as it is typed inside of a mapping."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return in_quotes(value) if isinstance(value, str) else str(value)
