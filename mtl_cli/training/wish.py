"""What an epoch or a run is to be best in: the sum of the losses, a figure, or a weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mtl_cli.basis.errors import check_choice, check_number, nearest, problem

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
    parts = ((own, w if isinstance(w, str) else f"{w:g}") for own, w in wish.items())
    return f"{{{', '.join(f'{figure}: {weight}' for figure, weight in parts)}}}"


def as_word(key: str, wish: Wish) -> str:
    """``key=wish`` as it can be pasted into a shell."""
    word = f"{key}={in_words(wish)}"
    return word if isinstance(wish, str) else f"'{word}'"


def with_figures(thing: str, wish: Any, change: Callable[[str], str | None]) -> str:
    """``thing=wish`` with other figures; ``thing=loss`` where there is none in place of one.

    Args:
        thing: where it stands.
        wish: one, or a list of several.
        change: gives the figure in place of another.
    """
    parts: list[Wish] = []
    several = isinstance(wish, Sequence) and not isinstance(wish, str)
    for one in wish if several else [wish]:
        if one == "loss":
            parts.append("loss")
            continue
        known = dict(one) if isinstance(one, Mapping) else {str(one): 1.0}
        others = {change(figure): weight for figure, weight in known.items()}
        names = [figure for figure in others if figure is not None]
        if len(names) < len(known):
            return f"{thing}=loss"
        sums = {figure: weight for figure, weight in others.items() if figure is not None}
        parts.append(sums if isinstance(one, Mapping) else names[0])
    if not several:
        return as_word(thing, parts[0])
    return f"'{thing}=[{','.join(map(in_words, parts))}]'"


def check_wish(
    thing: str, wish: Any, figures: list[str], directed: Mapping[str, bool], whole: Any = None
) -> None:
    """Refuses a wish for what is no figure, or for one that is no better for being more or less.

    Args:
        thing: where it stands.
        wish: as it was read.
        figures: ``task/figure`` of all that a run has.
        directed: of each metric among them whether it says which way is better.
        whole: what stands there, where the wish is one of several.
    """
    whole = wish if whole is None else whole
    if not isinstance(wish, Mapping | str):
        check_choice(thing, wish, ["loss", *figures], f"{thing}=loss")
    if isinstance(wish, Mapping) and not wish:
        raise problem(thing, "must name a figure", "none", f"'{thing}={{{figures[0]}: 1}}'")
    where = f"each figure of {thing}" if isinstance(wish, Mapping) else thing
    known = figures if isinstance(wish, Mapping) else ["loss", *figures]
    for figure in weights_of(wish):
        if figure not in known:
            fix = with_figures(thing, whole, lambda own: nearest(own, known))
            raise problem(where, f"must be one of {', '.join(known)}", figure, fix)
    for figure, weight in weights_of(wish).items():
        check_number(f"the weight of {figure} in {thing}", weight, f"'{thing}={{{figure}: 1}}'", 0)
        if not directed.get(figure, True):
            other = next((name for name in figures if directed.get(name, True)), "loss")
            rule = "must be a figure of which more, or less, is better"
            instead = {name: name for name in figures} | {figure: other}
            fix = with_figures(thing, whole, instead.get)
            raise problem(f"{thing}={figure}", rule, "one that is to be near a value", fix)
