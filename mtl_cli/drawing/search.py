"""A search as a picture: how its best value fell or rose by trial; of two figures, the fronts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from mtl_cli.drawing.files import save
from mtl_cli.drawing.pareto import outline
from mtl_cli.drawing.style import MOST, legend_below, look, names_of, new_figure, point_look

TITLE = "search, on val"


@dataclass(frozen=True)
class Tried:
    """The finished trials of one setting.

    Args:
        words: of the setting.
        numbers: of the trials.
        points: what each reached, as people read it.
        best: the position of the winner.
    """

    words: str
    numbers: list[int]
    points: list[list[float]]
    best: int


def draw_search(
    tried: Sequence[Tried], names: Sequence[str], higher: Sequence[bool], out: Path
) -> list[Path]:
    """``search.png`` of one figure, ``front.png`` of two; of more there is none.

    Args:
        tried: the settings, of which the first few are drawn.
        names: of the figures.
        higher: whether more is better, of each.
        out: where it goes.
    """
    if len(names) > 2:
        return []
    figure = new_figure(6.5, 4.6, TITLE)
    axis = figure.subplots()
    for number, own in enumerate(tried[:MOST]):
        if len(names) == 1:
            draw_progress(axis, own, number, higher[0])
        else:
            draw_front(axis, own, number, (higher[0], higher[1]))
    said = [
        f"{name} ({'higher' if up else 'lower'} is better)"
        for name, up in zip(names, higher, strict=True)
    ]
    axis.set_xlabel("trial" if len(names) == 1 else said[0], fontsize="small")
    axis.set_ylabel(said[-1], fontsize="small")
    axis.tick_params(labelsize="x-small")
    axis.grid(alpha=0.3)
    handles = [axis.scatter([], [], **point_look(number)) for number in range(len(tried[:MOST]))]
    legend_below(figure, handles, names_of([own.words for own in tried[:MOST]]))
    return [save(figure, out / ("search.png" if len(names) == 1 else "front.png"))]


def draw_progress(axis: Any, own: Tried, number: int, higher: bool) -> None:
    """Trials as points, and the best so far as a line in steps; the winner has an edge."""
    values = [point[0] for point in own.points]
    so_far = list(accumulate(values, max if higher else min))
    axis.step(own.numbers, so_far, where="post", **look(number), linewidth=1.4)
    axis.scatter(own.numbers, values, **point_look(number) | {"s": 14}, alpha=0.6)
    edge: dict[str, Any] = {"edgecolors": "black", "linewidths": 0.8, "zorder": 3}
    axis.scatter(own.numbers[own.best], values[own.best], **point_look(number), **edge)


def draw_front(axis: Any, own: Tried, number: int, higher: tuple[bool, bool]) -> None:
    """Trials as points, and the line of the front; its knee has an edge."""
    points = [(point[0], point[1]) for point in own.points]
    style = look(number)
    axis.plot(*zip(*outline(points, higher), strict=True), **style, linewidth=1.2, zorder=1)
    axis.scatter(*zip(*points, strict=True), **point_look(number) | {"s": 14}, alpha=0.6)
    edge: dict[str, Any] = {"edgecolors": "black", "linewidths": 0.8, "zorder": 3}
    axis.scatter(*points[own.best], **point_look(number), **edge)
