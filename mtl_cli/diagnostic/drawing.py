"""Heat maps and curves, as all diagnostics draw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mtl_cli.drawing.heat_map import MOST_COLUMNS, MOST_ROWS, Array, clip, heat_map
from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import COLORS, MARKERS, axes_title, look, new_figure

MOST_LINES = 30  # in one picture, each with its name
MOST_NAMED = 8  # lines that have colours of their own
MOST_TEXTS = 10  # steps whose figures stand in the cells of a heat map
LEGEND_LINE = 0.145  # inches of a name
WIDEST = 24.0  # inches of a heat map


def make_figure(title: str, width: float, height: float, **grid: Any) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes, [rows, columns].

    In a paper's column all axes stand one below the other.
    """
    if page().width is None:
        figure = new_figure(width, height, title)
        return figure, figure.subplots(squeeze=False, **grid)
    rows, columns = (int(grid.get(name, 1)) for name in ("nrows", "ncols"))
    figure = new_figure(width, height * columns, title)
    return figure, figure.subplots(rows * columns, 1, squeeze=False).reshape(rows, columns)


def map_by_step(
    axis: Any,
    x: Sequence[int],
    lines: Mapping[str, Array],
    title: str,
    text: Callable[[float], str],
    log: bool = False,
    **style: Any,
) -> Any:
    """A row for each name, a column for each step; of very many steps some, evenly spread.

    Args:
        text: makes what stands in a cell, where the steps are few.
        log: whether colours are of the logarithm; 0 has none, and is left grey.
        style: of `heat_map`.
    """
    chosen = np.unique(np.linspace(0, len(x) - 1, MOST_COLUMNS).round().astype(int))
    apart = -(-len(chosen) // 8)
    steps = ["" if c % apart else str(x[n]) for c, n in enumerate(chosen)]
    values = np.array([line[chosen] for line in lines.values()])
    few = len(chosen) <= MOST_TEXTS
    texts = [[text(v) if few and not np.isnan(v) else "" for v in row] for row in values]
    if log:
        values = np.log10(np.where(values > 0, values, np.nan))
    image = heat_map(axis, values, list(lines), steps, title, texts, **style)
    axis.set_xlabel("step", fontsize="small")
    return image


def draw_lines(
    axis: Any,
    x: Sequence[int],
    lines: Mapping[str, Array],
    title: str,
    log: bool = False,
    most: int = MOST_LINES,
) -> None:
    """A line for each name; of more than ``most``, their mean and the range that they are in.

    Lines too many for colours of their own go from dark to light in their order.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator

    style: dict[str, Any] = {"marker": "o" if len(x) <= 12 else None, "markersize": 3.5}
    style["linewidth"] = 1.2
    if len(lines) <= most:
        for n, (name, values) in enumerate(lines.items()):
            own = style | line_look(n, len(lines), marked=len(x) <= 12)
            axis.plot(x, values, label=clip(name), **own)
    else:
        stacked = np.array(list(lines.values()))
        there = ~np.isnan(stacked).all(0)
        at, stacked = np.asarray(x)[there], stacked[:, there]
        low, high = np.nanmin(stacked, 0), np.nanmax(stacked, 0)
        axis.fill_between(at, low, high, color=COLORS[0], alpha=0.25, label=f"all {len(lines)}")
        axis.plot(at, np.nanmean(stacked, 0), color=COLORS[0], label="their mean", **style)
    axes_title(axis, title)
    axis.set_xlabel("step", fontsize="small")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    if log:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
    axis.tick_params(which="both", labelsize="x-small")


def line_look(number: int, of: int, marked: bool = False) -> dict[str, Any]:
    """Colour and dashes of one of several lines, and its mark where points are marked."""
    if of <= MOST_NAMED:
        return look(number) | ({"marker": MARKERS[number % len(MARKERS)]} if marked else {})
    from matplotlib import cm

    return {"color": cm.viridis(0.95 * number / (of - 1))}


def name_lines(axis: Any, below: bool) -> None:
    """The legend of some axes, beside or below them, where it covers no line."""
    from matplotlib.transforms import ScaledTranslation

    loc, corner, right, down = ("center left", (1.0, 0.5), 0.05, 0.0)
    columns = 1
    if below or page().width is not None:
        loc, corner, right, down = ("upper center", (0.5, 0.0), 0.0, 0.45 * page().scale)
    if page().width is not None:
        columns = make_room(axis)
    inches = ScaledTranslation(right, -down, axis.figure.dpi_scale_trans)
    axis.legend(
        loc=loc,
        bbox_to_anchor=corner,
        bbox_transform=axis.transAxes + inches,
        fontsize="xx-small",
        frameon=False,
        handlelength=3.5,
        ncols=columns,
    )


def make_room(axis: Any) -> int:
    """Makes a figure higher by the legend below some axes; gives the columns of that."""
    names = axis.get_legend_handles_labels()[1]
    letters = axis.figure.get_figwidth() * 15 / page().scale
    columns = max(1, min(len(names), int(letters / (10 + max(map(len, names), default=1)))))
    height = axis.figure.get_figheight() + LEGEND_LINE * page().scale * -(-len(names) // columns)
    axis.figure.set_figheight(height)
    return columns


def legend_height(names: int, most: int) -> float:
    """The inches of a legend that names so many lines, below their axes."""
    return 0.2 + LEGEND_LINE * (names if names <= most else 2)


def height_of(rows: int) -> float:
    """The inches that a heat map needs for so many rows."""
    return 1.2 + 0.26 * min(rows, MOST_ROWS)


def width_for(columns: int, each: float) -> float:
    """The inches that the columns of a heat map take."""
    return min(WIDEST, max(2.0, each * columns))


def width_of(names: Sequence[str]) -> float:
    """The inches that names take beside an axis."""
    return 0.2 + 0.062 * max(len(clip(name)) for name in names)
