"""What an epoch or a run is to be best in: the sum of the losses, a figure, or a weighted sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_cli.basis.errors import check_choice, check_number, problem

Wish = str | Mapping[str, float]  # ``loss``, ``task/figure``, or ``{task/figure: weight}``


def weights_of(wish: Wish) -> dict[str, float]:
    """``{task/figure: weight}``; empty for ``loss``, which is all tasks', and for what is none."""
    if isinstance(wish, Mapping):
        return dict(wish)
    return {wish: 1.0} if isinstance(wish, str) and wish != "loss" else {}


def in_words(wish: Wish) -> str:
    """A wish as it is typed."""
    if isinstance(wish, str):
        return wish
    return f"{{{', '.join(f'{figure}: {weight:g}' for figure, weight in wish.items())}}}"


def as_word(key: str, wish: Wish) -> str:
    """``key=wish`` as it can be pasted into a shell."""
    word = f"{key}={in_words(wish)}"
    return word if isinstance(wish, str) else f"'{word}'"


def check_wish(thing: str, wish: Any, figures: list[str], directed: Mapping[str, bool]) -> None:
    """Refuses a wish for what is no figure, or for one that is no better for being more or less.

    Args:
        thing: where it stands.
        wish: as it was read.
        figures: ``task/figure`` of all that a run has.
        directed: of each metric among them whether it says which way is better.
    """
    if not isinstance(wish, Mapping):
        check_choice(thing, wish, ["loss", *figures], f"{thing}=loss")
    elif not wish:
        raise problem(thing, "must name a figure", "none", f"'{thing}={{{figures[0]}: 1}}'")
    for figure, weight in weights_of(wish).items():
        slot = f"{thing}={figure}"
        check_choice(f"each figure of {thing}", figure, figures, f"{thing}=loss")
        check_number(f"the weight of {figure} in {thing}", weight, f"'{thing}={{{figure}: 1}}'", 0)
        if not directed.get(figure, True):
            other = next((name for name in figures if directed.get(name, True)), "loss")
            rule = "must be a figure of which more, or less, is better"
            raise problem(slot, rule, "one that is to be near a value", f"{thing}={other}")
