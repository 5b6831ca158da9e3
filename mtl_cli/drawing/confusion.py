"""Confusion matrices: how many examples of each class were taken for which, and their share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtl_cli.drawing.heat_map import Array, color_bar, heat_map
from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import new_figure

READABLE = 40  # classes, beyond which the numbers in the cells overlap
WITH_SHARES = 20  # the same for two numbers in a cell


def draw_confusion(matrix: Array, classes: Sequence[str], title: str) -> Any:
    """Colours are shares of each true class; a cell holds its count, and the share below it.

    Args:
        matrix: counts [true, predicted], or of several labels [L, 2, 2]; shares where the metric
            makes them.
        classes: names of the classes; of several labels those of the labels; empty: numbers.
        title: stands above it.
    """
    several = matrix.ndim == 3
    parts = list(matrix) if several else [matrix]
    names = list(classes) or [str(n) for n in range(len(matrix))]
    own = ["no", "yes"] if several else names
    columns = min(page().beside(4, 1.6), len(parts))
    rows = -(-len(parts) // columns)
    side = max(2.2, 0.9 + 0.42 * len(own))
    figure = new_figure(max(4.0, (side + 0.8) * columns), side * rows + 0.8, title)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, part, name in zip(axes, parts, names, strict=False):
        image = draw_counts(axis, part, own, name if several else "")
    for axis in axes[len(parts) :]:
        axis.set_axis_off()
    color_bar(figure, list(axes), image, "share of\ntrue class")
    return figure


def draw_counts(axis: Any, counts: Array, names: Sequence[str], title: str) -> Any:
    """One matrix; gives its image."""
    sums = counts.sum(1, keepdims=True)
    shares = np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)
    texts = [
        [in_cell(count, share, len(names)) for count, share in zip(*row, strict=True)]
        for row in zip(counts, shares, strict=True)
    ]
    style: dict[str, Any] = {"cmap": "Blues", "vmin": 0, "vmax": 1}
    image = heat_map(axis, shares, names, names, title, texts, most=READABLE**2, **style)
    axis.set_xlabel("predicted class", fontsize="small")
    axis.set_ylabel("true class", fontsize="small")
    return image


def in_cell(count: float, share: float, classes: int) -> str:
    """``31`` above ``86%``; nothing where there is no example."""
    if count == 0 or classes > READABLE:
        return ""
    if count != int(count):  # the metric made shares
        return f"{count:.2f}"
    number = f"{int(count)}"
    return number if classes > WITH_SHARES else f"{number}\n{share:.0%}"
