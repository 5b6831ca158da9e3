"""Heat maps and curves, as all diagnostics draw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_cli.drawing.style import COLORS, look, new_figure

Array = NDArray[np.float64]

MOST_LINES = 30  # in one picture, each with its name
MOST_NAMED = 8  # lines that have colours of their own
MOST_NUMBERS = 400  # cells of a heat map beyond which numbers in them are too small to read
MOST_TEXTS = 10  # steps whose figures stand in the cells of a heat map
MOST_ROWS = 60  # names beside a heat map
MOST_COLUMNS = 60  # names below a heat map
WIDEST = 24.0  # inches of a heat map
WIDEST_NAME = 50  # letters beside an axis


def make_figure(title: str, width: float, height: float, **grid: Any) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes, [rows, columns]."""
    figure = new_figure(width, height, title)
    return figure, figure.subplots(squeeze=False, **grid)


def heat_map(
    axis: Any,
    values: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    texts: Sequence[Sequence[str]] | None = None,
    **style: Any,
) -> Any:
    """Values [R, C] as colours, with the numbers where they can be read; NaN is left grey.

    Args:
        texts: what stands in the cells; None: the values, with two decimals.
        style: of matplotlib's ``imshow``, such as ``cmap``, ``vmin`` and ``vmax``.
    """
    image = axis.imshow(values, aspect="auto", interpolation="nearest", **style)
    axis.set_facecolor("#dddddd")
    axis.set_title(title, fontsize="small")
    for set_ticks, names, most in (
        (axis.set_xticks, columns, MOST_COLUMNS),
        (axis.set_yticks, rows, MOST_ROWS),
    ):
        apart = -(-len(names) // most)
        set_ticks(
            range(0, len(names), apart), [clip(n) for n in names[::apart]], fontsize="x-small"
        )
    if sum(map(len, columns)) > 24:
        axis.tick_params(axis="x", rotation=90 if len(columns) > 8 else 30)
    axis.tick_params(length=0)
    if values.size <= MOST_NUMBERS:
        for (r, c), value in np.ndenumerate(values):
            text = texts[r][c] if texts else ("" if np.isnan(value) else f"{value:z.2f}")
            dark = not np.isnan(value) and luminance(image, value) < 0.5
            color = "white" if dark else "black"
            axis.text(c, r, text, ha="center", va="center", fontsize="xx-small", color=color)
    return image


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
    return heat_map(axis, values, list(lines), steps, f"{title}, by step", texts, **style)


def color_bar(figure: Any, axis: Any, image: Any, what: str) -> None:
    """Beside a heat map, what its colours stand for."""
    bar = figure.colorbar(image, ax=axis, aspect=max(20, 6 * figure.get_figheight()))
    bar.ax.set_title(what, fontsize="x-small")
    bar.ax.tick_params(labelsize="x-small")


def luminance(image: Any, value: float) -> float:
    """How bright the colour of a value is, from 0 to 1."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return 0.299 * red + 0.587 * green + 0.114 * blue


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

    style: dict[str, Any] = {"marker": "o" if len(x) <= 12 else None, "markersize": 3}
    style["linewidth"] = 1.2
    if len(lines) <= most:
        for n, (name, values) in enumerate(lines.items()):
            axis.plot(x, values, label=clip(name), **style, **line_look(n, len(lines)))
    else:
        stacked = np.array(list(lines.values()))
        there = ~np.isnan(stacked).all(0)
        at, stacked = np.asarray(x)[there], stacked[:, there]
        low, high = np.nanmin(stacked, 0), np.nanmax(stacked, 0)
        axis.fill_between(at, low, high, color=COLORS[0], alpha=0.25, label=f"all {len(lines)}")
        axis.plot(at, np.nanmean(stacked, 0), color=COLORS[0], label="their mean", **style)
    axis.set_title(title, fontsize="small")
    axis.set_xlabel("step", fontsize="small")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    if log:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
    axis.tick_params(which="both", labelsize="x-small")


def line_look(number: int, of: int) -> dict[str, Any]:
    """Colour and dashes of one of several lines."""
    if of <= MOST_NAMED:
        return look(number)
    from matplotlib import cm

    return {"color": cm.viridis(0.95 * number / (of - 1))}


def name_lines(axis: Any, below: bool) -> None:
    """The legend of some axes, beside or below them, where it covers no line."""
    from matplotlib.transforms import ScaledTranslation

    loc, corner, right, down = ("center left", (1.0, 0.5), 0.05, 0.0)
    if below:
        loc, corner, right, down = ("upper center", (0.5, 0.0), 0.0, 0.45)
    inches = ScaledTranslation(right, -down, axis.figure.dpi_scale_trans)
    axis.legend(
        loc=loc,
        bbox_to_anchor=corner,
        bbox_transform=axis.transAxes + inches,
        fontsize="xx-small",
        frameon=False,
        handlelength=3.5,
    )


def legend_height(names: int, most: int) -> float:
    """The inches of a legend that names so many lines, below their axes."""
    return 0.2 + 0.145 * (names if names <= most else 2)


def clip(name: str) -> str:
    """A name short enough to stand beside an axis; its end says most."""
    return name if len(name) <= WIDEST_NAME else f"…{name[1 - WIDEST_NAME :]}"


def height_of(rows: int) -> float:
    """The inches that a heat map needs for so many rows."""
    return 1.2 + 0.26 * min(rows, MOST_ROWS)


def width_for(columns: int, each: float) -> float:
    """The inches that the columns of a heat map take."""
    return min(WIDEST, max(2.0, each * columns))


def width_of(names: Sequence[str]) -> float:
    """The inches that names take beside an axis."""
    return 0.2 + 0.062 * max(len(clip(name)) for name in names)
