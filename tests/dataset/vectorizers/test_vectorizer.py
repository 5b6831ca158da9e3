"""Vectorizers: scikit-learn's, stored as plain data, and sparse up to the first layer."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.feature_extraction import text as sklearn_text
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords
from mtl_cli.dataset.vectorizers.options import KINDS, Options
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer, as_bag
from mtl_cli.encoder.mlp import MLP

TEXTS = ["the good, good film", "The bad film", "", "a film that is not good at all", "Über\x85gut"]
NEW = ["a good film by a newcomer", "nothing known", ""]
PLAIN = {
    "kind": "count",
    "analyzer": "word",
    "ngram_range": [1, 1],
    "min_df": 1,
    "max_df": 1.0,
    "max_features": None,
    "num_features": 64,
    "lowercase": True,
    "stop_words": None,
    "token_pattern": r"(?u)\b\w\w+\b",
    "binary": False,
    "sublinear_tf": False,
    "norm": "l2",
}
VARIANTS = [
    {},
    {"ngram_range": [1, 3]},
    {"min_df": 2},
    {"max_df": 0.5, "lowercase": False},
    {"max_features": 3},
    {"stop_words": "english", "binary": True},
    {"stop_words": ["film"], "sublinear_tf": True, "norm": None},
    {"analyzer": "char", "ngram_range": [1, 3]},
    {"analyzer": "char_wb", "ngram_range": [2, 3], "token_pattern": "x+"},
]
REFERENCES = {
    "count": sklearn_text.CountVectorizer,
    "tfidf": sklearn_text.TfidfVectorizer,
    "hashing": sklearn_text.HashingVectorizer,
}


def options(**own) -> Options:
    return Options.of(PLAIN | own)


def reference(options: Options):
    """scikit-learn's vectorizer, with the options that it has."""
    values = {k: v for k, v in vars(options).items() if k != "kind"}
    values["n_features"] = values.pop("num_features")
    values["ngram_range"] = tuple(values["ngram_range"])
    if values["analyzer"] != "word":
        values.pop("token_pattern")
    made = REFERENCES[options.kind]()
    return made.set_params(**{k: v for k, v in values.items() if k in made.get_params()})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", VARIANTS, ids=str)
def test_it_counts_as_scikit_learn_does(kind, own):
    ours, theirs = Vectorizer(options(kind=kind, **own)), reference(options(kind=kind, **own))
    np.testing.assert_allclose(
        ours.fit(TEXTS).toarray(), theirs.fit_transform(TEXTS).toarray(), rtol=1e-6
    )
    matrix = ours.transform(NEW)
    np.testing.assert_allclose(matrix.toarray(), theirs.transform(NEW).toarray(), rtol=1e-6)
    assert matrix.shape == (3, ours.num_features)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", VARIANTS, ids=str)
def test_its_state_is_plain_data_and_gives_it_back(kind, own):
    one = Vectorizer(options(kind=kind, **own))
    one.fit(TEXTS)
    again = Vectorizer.from_state(json.loads(json.dumps(one.state())))
    assert (one.transform(NEW) != again.transform(NEW)).nnz == 0
    assert again.num_features == one.num_features
    assert again.state() == one.state()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bag_in_the_first_layer_is_the_dense_linear_map_of_its_counts(kind):
    """The known small network: one hidden layer of 200 with a sigmoid."""
    one = Vectorizer(options(kind=kind))
    one.fit(TEXTS)
    matrix = one.transform(TEXTS * 10)
    encoder = MLP(BagOfWords(one.num_features), hidden=[200], activation="sigmoid", dropout=0.0)
    first = encoder.stages[0][0]
    dense = nn.Linear(one.num_features, 200)
    dense.load_state_dict({"weight": first.weight.T, "bias": first.bias})
    counts = torch.from_numpy(matrix.toarray())
    expected = dense(counts).sigmoid()
    torch.testing.assert_close(encoder(as_bag(matrix)), expected, rtol=0, atol=1e-6)


def test_bags_are_small_and_share_the_matrix_memory():
    matrix = Vectorizer(options()).fit(TEXTS)
    bag = as_bag(matrix)
    assert (bag.indices.dtype, bag.offsets.dtype) == (torch.int32, torch.int32)
    assert bag.weights.dtype == torch.float32
    assert bag.weights.data_ptr() == matrix.data.ctypes.data
    matrix.indptr = matrix.indptr.astype(np.int64)  # of so many words that 32 bits are too few
    wide = as_bag(matrix)
    assert wide.indices.dtype == wide.offsets.dtype == torch.int64
    assert wide.indices.tolist() == bag.indices.tolist()


def test_it_is_fitted_once_and_knows_only_those_words():
    one = Vectorizer(options())
    one.fit(TEXTS)
    words = ["the", "good", "film", "bad", "that", "is", "not", "at", "all"]
    assert one.vocabulary == sorted({*words, "über", "gut"})
    assert one.transform(["nothing known"]).nnz == 0


@pytest.mark.parametrize(
    "own", [{"min_df": 9}, {"stop_words": ["film"], "token_pattern": "film"}], ids=str
)
def test_an_empty_vocabulary_is_refused(own):
    with pytest.raises(Problem, match="must leave some word of the train texts"):
        Vectorizer(options(**own)).fit(TEXTS)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"kind": "bm25"}, "must be one of count, tfidf, hashing"),
        ({"ngram_range": [2, 1]}, "the shortest and the longest run"),
        ({"ngram_range": 2}, "the shortest and the longest run"),
        ({"max_features": 0}, "an integer of at least 1"),
        ({"norm": "max"}, "must be one of l1, l2"),
        ({"binary": "no"}, "must be true or false"),
        ({"analyzer": "letters"}, "must be one of word, char, char_wb"),
        ({"analyzer": "char", "stop_words": ["a"]}, "null where characters are read"),
        ({"mindf": 2}, r"try:   dataset\.vectorizer\.min_df"),
    ],
    ids=str,
)
def test_options_that_do_not_fit_are_refused(own, message):
    with pytest.raises(Problem, match=message):
        options(**own)


def test_options_that_scikit_learn_refuses_are_named():
    with pytest.raises(Problem, match="min_df"):
        Vectorizer(replace(options(), min_df=-1)).fit(TEXTS)
    with pytest.raises(Problem, match=r"try:   dataset\.vectorizer\.kind=tfidf"):
        Options.of("tfidf")
    with pytest.raises(Problem, match="needs binary, kind"):
        Options.of({key: value for key, value in PLAIN.items() if key not in ("kind", "binary")})
