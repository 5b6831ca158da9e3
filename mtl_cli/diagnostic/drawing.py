"""Heat maps and curves, as all diagnostics draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_NAMED = 8  # lines that a legend names
MOST_NUMBERS = 400  # cells of a heat map beyond which numbers in them are too small to read
MOST_ROWS = 60  # names beside a heat map
MOST_COLUMNS = 60  # names below a heat map
WIDEST = 24.0  # inches of a heat map
WIDEST_NAME = 50  # letters beside an axis


def make_figure(title: str, width: float, height: float, **grid: Any) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes, [rows, columns]."""
    from matplotlib.figure import Figure  # without pyplot, which would look for a display

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, fontsize="medium")
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
    if max(map(len, columns)) * len(columns) > 24:
        axis.tick_params(axis="x", rotation=90 if len(columns) > 8 else 30)
    axis.tick_params(length=0)
    if values.size <= MOST_NUMBERS:
        for (r, c), value in np.ndenumerate(values):
            text = texts[r][c] if texts else ("" if np.isnan(value) else f"{value:.2f}")
            dark = not np.isnan(value) and luminance(image, value) < 0.5
            color = "white" if dark else "black"
            axis.text(c, r, text, ha="center", va="center", fontsize="xx-small", color=color)
    return image


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
    legend: bool = True,
    most: int = 30,
) -> None:
    """A line for each name; of more than ``most``, their mean and the range that they are in.

    Lines too many for a legend go from dark to light in their order.
    """
    style: dict[str, Any] = {"marker": "o" if len(x) <= 12 else None, "markersize": 3}
    few = len(lines) <= MOST_NAMED
    if len(lines) <= most:
        for n, (name, values) in enumerate(lines.items()):
            color = None if few else colors().viridis(0.95 * n / (len(lines) - 1))
            axis.plot(x, values, label=clip(name), color=color, linewidth=1.2, **style)
    else:
        stacked = np.array(list(lines.values()))
        there = ~np.isnan(stacked).all(0)
        at, stacked = np.asarray(x)[there], stacked[:, there]
        low, high = np.nanmin(stacked, 0), np.nanmax(stacked, 0)
        axis.fill_between(at, low, high, alpha=0.25, label=f"range of {len(lines)}")
        axis.plot(at, np.nanmean(stacked, 0), label="mean", **style)
    axis.set_title(title, fontsize="small")
    axis.set_xlabel("step", fontsize="small")
    axis.grid(alpha=0.3)
    if log:
        from matplotlib.ticker import LogLocator

        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
    axis.tick_params(which="both", labelsize="x-small")
    if legend and (few or len(lines) > most):
        axis.legend(fontsize="xx-small")


def colors() -> Any:
    from matplotlib import cm

    return cm


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
