"""Made-up impressions, of which the truth is known: who clicks, and who would buy after a click.

Conversions are drawn for every impression and seen after a click alone, as in Ma et al., "Entire
Space Multi-Task Model", SIGIR 2018, https://arxiv.org/abs/1804.07931, section 1; here what is not
seen is kept, so that errors over all impressions can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.errors import check_integer, check_number

if TYPE_CHECKING:
    import pyarrow

TRAITS = 4  # numbers that say what a user likes, or what an item is
TOPICS = 12
MOST_INTERESTS = 4  # of a user
POSITIONS = 10
USER_SPREAD = 0.5  # standard deviation of users' own readiness to click, as a logit
BELOW = 0.5  # how much a logit of clicks falls with the logarithm of the position
DAYS = 14.0
RANGES = (  # option, least, most, usual
    ("click_rate", 0.001, 0.999, 0.1),
    ("conversion_rate", 0.001, 0.999, 0.1),
    ("bias", -1, 1, 0.7),
    ("gamma", 0, 4, 1.0),
    ("interaction", 0, 1, 0.5),
    ("drift", -10, 10, 1.0),
)
NODES, MASSES = np.polynomial.hermite_e.hermegauss(40)  # of a mean over a normal distribution


@dataclass(frozen=True)
class World:
    """What impressions are drawn by.

    Of each user u and item v, traits ``z ~ N(0, I)`` are known; both are drawn by Zipf's law, the
    n-th with probability ~ 1 / n. Scores ``s_o`` of clicks and ``s_c`` of conversions have mean 0,
    deviation 1 and correlation ``bias`` over the impressions. They are linear in ``(z_u, z_v)``,
    but for the share ``interaction`` of their variance: that is of products ``z_u z_v`` and, of
    clicks, whether the item's topic is among the user's interests. With a hidden ``h ~ N(0, 1)``::

        click ~ Bernoulli(sigmoid(a + s_o + user's - 0.5 log position + drift t + gamma h))
        conversion ~ Bernoulli(sigmoid(c + s_c + gamma h)), of every impression

    a and c are such that the mean probabilities are the rates. For ``gamma > 0`` conversions are
    missing not at random: who clicked differs from who did not in what no column says.

    Args:
        num_users: from 2.
        num_items: from 2.
        click_rate: mean probability of a click, from 0.001 to 0.999.
        conversion_rate: mean probability of a conversion over all impressions, likewise.
        bias: correlation of the scores, from -1 to 1: at 0, those who click convert as all do.
        gamma: how much of both is hidden, from 0 to 4.
        interaction: the share of the scores' variance that is not linear, from 0 to 1.
        drift: by how much the logit of clicks rises from the first impression to the last.
    """

    num_users: int
    num_items: int
    click_rate: float
    conversion_rate: float
    bias: float
    gamma: float
    interaction: float
    drift: float

    def __post_init__(self) -> None:
        check_integer("dataset.num_users", self.num_users, 2, "dataset.num_users=2000")
        check_integer("dataset.num_items", self.num_items, 2, "dataset.num_items=1000")
        for name, least, most, usual in RANGES:
            thing = f"dataset.{name}"
            check_number(thing, getattr(self, name), f"{thing}={usual}", least, most)

    def impressions(self, number: int, seed: int) -> pyarrow.Table:
        """So many, in the order of their time.

        Columns that are seen: user, item, topic, interests (topics with ``|`` between), position,
        u1 to u4 and v1 to v4 (the traits), click, conversion (after a click). Then what nobody
        sees: day, the conversion that each would have (``potential``), and true probabilities,
        means over the hidden h: ``p_click``, ``p_conversion`` (of the potential), ``p_both``.
        """
        import pyarrow

        draw = np.random.RandomState(seed)  # the legacy generator: its stream never changes
        likes, is_like, topics = (
            draw.standard_normal((n, TRAITS)) for n in (self.num_users, self.num_items, TOPICS)
        )
        ready = USER_SPREAD * draw.standard_normal(self.num_users)
        weights = draw.standard_normal((4, 2 * TRAITS))
        counts = draw.randint(1, MOST_INTERESTS + 1, self.num_users)
        user, item = (zipf(draw, n, number) for n in (self.num_users, self.num_items))
        position = draw.randint(1, POSITIONS + 1, number)
        when = np.sort(draw.random_sample(number))
        hidden = draw.standard_normal(number)
        chances = draw.random_sample((2, number))

        ranks = (-(likes @ topics.T)).argsort(1).argsort(1)  # of the topics, by user
        interested = ranks < counts[:, None]  # [U, TOPICS]
        topic = (is_like @ topics.T).argmax(1)
        matches = interested[user, topic[item]]
        score_click, score_conversion = self.scores(likes[user], is_like[item], matches, weights)
        logit = score_click + ready[user] - BELOW * np.log(position) + self.drift * when
        logit_click = logit + self.intercept(logit, self.click_rate)
        logit_conversion = score_conversion + self.intercept(score_conversion, self.conversion_rate)
        both = [logit_click, logit_conversion]
        click, potential = (
            chance < sigmoid(own + self.gamma * hidden)
            for chance, own in zip(chances, both, strict=True)
        )
        names = np.array(["|".join(f"t{t}" for t in np.flatnonzero(own)) for own in interested])
        columns: dict[str, Any] = {
            "user": user,
            "item": item,
            "topic": np.array([f"t{t}" for t in topic])[item],
            "interests": names[user],
            "position": position,
            **{f"u{k + 1}": likes[user, k] for k in range(TRAITS)},
            **{f"v{k + 1}": is_like[item, k] for k in range(TRAITS)},
            "click": click.astype(np.int8),
            "conversion": (click & potential).astype(np.int8),
            "day": DAYS * when,
            "potential": potential.astype(np.int8),
            "p_click": self.probability(logit_click),
            "p_conversion": self.probability(logit_conversion),
            "p_both": self.probability(*both),
        }
        return pyarrow.table(columns)

    def scores(
        self, user: np.ndarray, item: np.ndarray, matches: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Those of clicks and of conversions, [N] each, with the correlation ``bias``."""
        traits, products = np.concatenate([user, item], 1), user * item
        linear = [unit(traits @ own) for own in weights[:2]]
        other = [unit(products @ own[:TRAITS]) for own in weights[2:]]
        other[0] = unit(other[0] + unit(matches.astype(float)))
        share = self.interaction
        first, second = (
            unit(np.sqrt(1 - share) * a + np.sqrt(share) * b)
            for a, b in zip(linear, other, strict=True)
        )
        apart = unit(second - (first @ second) / (first @ first) * first)
        return first, self.bias * first + np.sqrt(1 - self.bias**2) * apart

    def intercept(self, logits: np.ndarray, rate: float) -> float:
        """What to add to logits, so that the mean probability is the rate."""
        from scipy.optimize import brentq

        far = 20 + float(np.abs(logits).max()) + 10 * self.gamma
        found = brentq(lambda at: self.probability(logits + at).mean() - rate, -far, far, xtol=1e-9)
        return float(found)

    def probability(self, *logits: np.ndarray) -> np.ndarray:
        """``E_h prod_k sigmoid(l_k + gamma h)`` of each, by Gauss and Hermite's rule."""
        if not self.gamma:
            return np.prod([sigmoid(own) for own in logits], 0)
        total = np.zeros(len(logits[0]))
        for node, mass in zip(NODES, MASSES / MASSES.sum(), strict=True):
            total += mass * np.prod([sigmoid(own + self.gamma * node) for own in logits], 0)
        return total


def zipf(draw: np.random.RandomState, number: int, times: int) -> np.ndarray:
    """Draws of 0 to ``number`` - 1, the n-th of which comes 1 / n as often as the first."""
    odds = 1 / np.arange(1, number + 1)
    return draw.choice(number, times, p=odds / odds.sum())


def unit(values: np.ndarray) -> np.ndarray:
    """Values of mean 0 and deviation 1; those that are all alike become 0."""
    values = values - values.mean()
    spread = values.std()
    return values / spread if spread > 0 else values


def sigmoid(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(x))
