"""Heat maps: values as colours, with numbers in the cells where they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import axes_title

Array = NDArray[np.float64]

MOST_NUMBERS = 400  # cells of a heat map beyond which numbers in them are too small to read
MOST_ROWS = 60  # names beside a heat map
MOST_COLUMNS = 60  # names below a heat map
WIDEST_NAME = 50  # letters beside an axis
WIDEST_IN_COLUMN = 22  # the same in a paper's column


def heat_map(
    axis: Any,
    values: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    texts: Sequence[Sequence[str]] | None = None,
    most: int = MOST_NUMBERS,
    **style: Any,
) -> Any:
    """Values [R, C] as colours, with the numbers where they can be read; NaN is left grey.

    Args:
        texts: what stands in the cells; None: the values, with two decimals.
        most: cells, beyond which there is nothing in them.
        style: of matplotlib's ``imshow``, such as ``cmap``, ``vmin`` and ``vmax``.
    """
    image = axis.imshow(values, aspect="auto", interpolation="nearest", **style)
    axis.set_facecolor("#dddddd")
    axes_title(axis, title)
    for set_ticks, names, at_most in (
        (axis.set_xticks, columns, MOST_COLUMNS),
        (axis.set_yticks, rows, MOST_ROWS),
    ):
        apart = -(-len(names) // at_most)
        set_ticks(
            range(0, len(names), apart), [clip(n) for n in names[::apart]], fontsize="x-small"
        )
    if sum(map(len, columns)) > 24:
        axis.tick_params(axis="x", rotation=90 if len(columns) > 8 else 30)
    axis.tick_params(length=0)
    if values.size <= most:
        for (r, c), value in np.ndenumerate(values):
            text = texts[r][c] if texts else ("" if np.isnan(value) else f"{value:z.2f}")
            dark = not np.isnan(value) and luminance(image, value) < 0.5
            color = "white" if dark else "black"
            axis.text(c, r, text, ha="center", va="center", fontsize="xx-small", color=color)
    return image


def color_bar(figure: Any, axis: Any, image: Any, what: str) -> None:
    """Beside a heat map, what its colours stand for."""
    bar = figure.colorbar(image, ax=axis, aspect=max(20, 6 * figure.get_figheight()))
    if page().width is None:
        bar.ax.set_title(what, fontsize="x-small")
    else:  # above it, it would lie on the title of the map
        bar.set_label(what.replace("\n", " "), fontsize="x-small")
    bar.ax.tick_params(labelsize="x-small")


def luminance(image: Any, value: float) -> float:
    """How bright the colour of a value is, from 0 to 1."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def clip(name: str) -> str:
    """A name short enough to stand beside an axis; its end says most."""
    most = WIDEST_NAME if page().width is None else WIDEST_IN_COLUMN
    return name if len(name) <= most else f"…{name[1 - most :]}"
