"""Made-up reviews: the same everywhere, of every class, and not to be learned by counting alone."""

from collections import Counter

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from mtl_cli.dataset.texts.review_corpus import NEGATIONS, SIZES, make_clause, make_reviews

LABELS = {"movie": {"negative", "positive"}, "yelp": set("12345")}


@pytest.fixture(scope="module", params=SIZES)
def reviews(request):
    return request.param, *make_reviews(request.param, seed=0)


def test_there_are_some_thousands_with_every_label(reviews):
    source, texts, labels = reviews
    assert len(texts) == len(labels) == SIZES[source] >= 3000
    counts = Counter(labels)
    assert set(counts) == LABELS[source]
    assert min(counts.values()) > 0.1 * len(labels)
    assert len(set(texts)) > 0.95 * len(texts)


def test_the_seed_decides(reviews):
    source, texts, labels = reviews
    assert make_reviews(source, seed=0) == (texts, labels)
    assert make_reviews(source, seed=1)[0] != texts


def test_a_frozen_review():
    """The same on every machine and in every version."""
    assert make_reviews("movie", seed=0)[0][1] == "saw this last night . outstanding direction ."


def test_words_say_most_but_not_all(reviews):
    """A linear model of counts learns the two sides, and is far from sure of them."""
    _, texts, labels = reviews
    sides = [label in ("positive", "4", "5") for label in labels]
    train = slice(0, 2000)
    test = slice(2000, 3000)
    vectorizer = CountVectorizer()
    model = LogisticRegression(max_iter=500).fit(
        vectorizer.fit_transform(texts[train]), sides[train]
    )
    accuracy = model.score(vectorizer.transform(texts[test]), sides[test])
    assert 0.75 < accuracy < 0.92


def test_a_negation_turns_a_clause_round():
    import random

    draw = random.Random(0)
    clauses = [make_clause("movie", 1, draw) for _ in range(500)]
    assert all(score > 0 for _, score in clauses)
    negated = [text for text, _ in clauses if any(f"{word} " in text for word in NEGATIONS)]
    assert 20 < len(negated) < 200
    assert any("terrible" in text for text in negated)
    assert not any("terrible" in text for text, _ in clauses if text not in negated)
