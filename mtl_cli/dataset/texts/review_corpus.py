"""Made-up reviews: sentences from a small grammar, whose sentiment is a number that is known.

A clause says of an aspect how it is: ``the plot was not very good``. Its score is its word's, times
its degree's, turned round by a negation. A review's score is the mean of its clauses' scores, those
after "but" counting twice. So the words of a review say most of its sentiment, but not all of it:
negations, and what comes after "but", are in their order. Words differ in how often they come.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

SIZES = {"movie": 4000, "yelp": 6000}  # texts a source

ASPECTS = {
    "movie": "plot acting cast script story ending dialogue direction music camera humour pace "
    "hero villain opening cinematography romance suspense action editing score tone",
    "yelp": "food service staff waiter menu coffee place atmosphere dessert soup location price "
    "pasta burger breakfast parking music crowd bill wine portion kitchen terrace",
}
WORDS = {
    1.0: "good fine nice decent pleasant solid likeable enjoyable agreeable tidy warm clever "
    "charming fresh honest lively smart sweet capable polished",
    2.0: "great excellent superb wonderful brilliant amazing delightful outstanding perfect "
    "fantastic stunning marvellous magnificent unforgettable flawless exquisite",
    -1.0: "bad poor dull weak bland tired slow stale clumsy flat noisy odd messy thin cold "
    "forgettable tedious mediocre sloppy uneven",
    -2.0: "terrible awful horrible dreadful disgusting pathetic miserable abysmal appalling "
    "unbearable atrocious dire disastrous worthless ghastly lousy",
}
DEGREES = {
    1.0: ["", "", "", "rather", "quite"],
    0.5: ["a bit", "somewhat", "slightly"],
    1.5: ["very", "really", "truly", "so", "incredibly"],
}
NEGATIONS = ["not", "never", "hardly", "not at all", "by no means", "anything but"]
OPENINGS = {
    "movie": "|saw this last night .|my friends chose it .|watched it twice .|it is a sequel .",
    "yelp": "|we came on a friday .|stopped here for lunch .|second visit .|we were six .",
}
NEGATED = 0.12  # share of clauses with a negation
AGREEING = 0.85  # share of clauses that are of the review's mood
STARS = (-1.6, -0.5, 0.5, 1.6)  # the scores between one star and the next
SCORED = [(score, words.split()) for score, words in WORDS.items()]


def make_reviews(source: str, seed: int) -> tuple[list[str], list[str]]:
    """Texts and labels: ``negative`` and ``positive`` for movies, 1 to 5 stars for yelp."""
    draw = random.Random(f"{source} {seed}")
    texts: list[str] = []
    labels: list[str] = []
    while len(texts) < SIZES[source]:
        text, score = make_review(source, draw)
        if source == "yelp":
            labels.append(str(1 + sum(score > bound for bound in STARS)))
        elif score == 0:
            continue  # no side is right
        else:
            labels.append("positive" if score > 0 else "negative")
        texts.append(text)
    return texts, labels


def make_review(source: str, draw: random.Random) -> tuple[str, float]:
    """A review and its score, from -3 to 3."""
    mood = draw.choice([-1, 1])
    pieces = [draw.choice(OPENINGS[source].split("|"))]
    scores: list[tuple[float, float]] = []  # (weight, score)
    weight = 1.0
    for i in range(draw.choice([1, 2, 2, 3, 3, 4])):
        if i:
            joint = draw.choice([".", ".", "and", ",", "but"])
            pieces.append(joint)
            weight = {"but": 2.0, ".": 1.0}.get(joint, weight)
        clause, score = make_clause(source, mood if draw.random() < AGREEING else -mood, draw)
        pieces.append(clause)
        scores.append((weight, score))
    total = sum(weight * score for weight, score in scores)
    text = " ".join([piece for piece in pieces if piece] + ["."])
    return text, total / sum(weight for weight, _ in scores)


def make_clause(source: str, side: int, draw: random.Random) -> tuple[str, float]:
    """A clause of the side, and its score, which has that sign."""
    negation = rare(NEGATIONS, draw) if draw.random() < NEGATED else ""
    wanted = -side if negation else side
    score, words = draw.choice([(s, words) for s, words in SCORED if s * wanted > 0])
    strength = draw.choice([1.0, 1.0, 0.5, 1.5])
    degree, word = draw.choice(DEGREES[strength]), rare(words, draw)
    aspect = rare(ASPECTS[source].split(), draw)
    shape = draw.choice(
        ["the {a} was {n} {d} {w}", "{n} {d} {w} {a}", "i found the {a} {n} {d} {w}"]
    )
    clause = shape.format(a=aspect, n=negation, d=degree, w=word)
    return " ".join(clause.split()), score * strength * (-1 if negation else 1)


def rare(words: Sequence[str], draw: random.Random) -> str:
    """One of the words; the first ones come most often."""
    return words[int(len(words) * draw.random() ** 2)]
