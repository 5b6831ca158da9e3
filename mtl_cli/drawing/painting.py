"""Maps of pixels as colours: classes, numbers, shares and directions, each in its own way.

Directions are red, green and blue for x, y and z, from -1 (dark) to 1 (bright): a surface that
faces +x is reddish, one that faces -x of the colour opposite to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtl_cli.drawing.style import class_colors

Array = np.ndarray

AXES = ("x", "y", "z")
MOST_NAMED = 40  # classes in a legend
Legend = list[tuple[Any, str]]  # colours and words


@dataclass(frozen=True)
class Maps:
    """Maps of one task: its labels, say, and its predictions.

    Args:
        shown_as: ``classes``, ``numbers``, ``shares`` (from 0 to 1) or ``directions``.
        parts: [N, H, W], of directions [N, 3, H, W]; a missing pixel is NaN, or of class -1.
        names: of the classes; those without one are called by their number.
    """

    shown_as: str
    parts: Sequence[Array]
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Painted:
    """The same as colours.

    Args:
        parts: [N, H, W, 4] from 0 to 1; a missing pixel is transparent.
        legend: what single colours stand for.
        scale: what others stand for, for a colour bar; None: there are none.
        beyond: where values lie that it does not show, in matplotlib's words for ``extend``.
    """

    parts: list[Array]
    legend: Legend = field(default_factory=list)
    scale: Any = None
    beyond: str = "neither"


def paint(maps: Maps) -> Painted:
    """Gives maps their colours; one scale is for all parts."""
    return PAINTERS[maps.shown_as](maps)


def paint_classes(maps: Maps) -> Painted:
    """A colour a class; the legend has those that occur."""
    there = sorted({int(own) for part in maps.parts for own in np.unique(part)} - {-1})
    most = max([len(maps.names), *(own + 1 for own in there)])
    table = np.array([*class_colors(most), (0, 0, 0, 0)])  # the last one is that of -1
    parts = [table[part.astype(int)] for part in maps.parts]
    names = [*maps.names, *map(str, range(len(maps.names), most))]
    legend: Legend = [(tuple(table[own]), names[own]) for own in there[:MOST_NAMED]]
    if len(there) > MOST_NAMED:
        legend.append(("white", f"and {len(there) - MOST_NAMED} more"))
    return Painted(parts, legend)


def paint_numbers(maps: Maps) -> Painted:
    """From the least to the greatest number of the first part, where that has any."""
    known = [part[np.isfinite(part)] for part in maps.parts]
    first = next((values for values in known if len(values)), np.zeros(1))
    low, high = float(first.min()), float(first.max())
    below = any((values < low).any() for values in known)
    above = any((values > high).any() for values in known)
    beyond = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    return scaled(maps, "viridis", low, high, beyond.get((below, above), "both"))


def paint_shares(maps: Maps) -> Painted:
    """White is 0, black is 1."""
    return scaled(maps, "gray_r", 0.0, 1.0, "neither")


def scaled(maps: Maps, name: str, low: float, high: float, beyond: str) -> Painted:
    """Colours of a map of matplotlib's."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colors = colormaps[name].with_extremes(bad=(0, 0, 0, 0))
    norm = Normalize(low, high if high > low else low + 1)
    parts = [np.asarray(colors(norm(np.ma.masked_invalid(part)))) for part in maps.parts]
    return Painted(parts, scale=ScalarMappable(norm, colors), beyond=beyond)


def paint_directions(maps: Maps) -> Painted:
    parts = []
    for part in maps.parts:
        vectors = np.moveaxis(part.astype(float), 1, -1)
        there = np.isfinite(vectors).all(-1, keepdims=True)
        colors = np.where(there, (np.nan_to_num(vectors).clip(-1, 1) + 1) / 2, 0)
        parts.append(np.concatenate([colors, there.astype(float)], -1))
    legend: Legend = []
    for number, axis in enumerate(AXES):
        for sign, word in ((1, "+"), (-1, "\N{MINUS SIGN}")):
            color = [0.5, 0.5, 0.5]
            color[number] += sign / 2
            legend.append((tuple(color), f"{word}{axis}"))
    return Painted(parts, legend)


PAINTERS: Mapping[str, Callable[[Maps], Painted]] = {
    "classes": paint_classes,
    "numbers": paint_numbers,
    "shares": paint_shares,
    "directions": paint_directions,
}
