"""Examples of labels: pictures, and below each what was predicted of it, beside its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import new_figure

ACROSS = 4  # pictures beside each other
SIDE = 1.7  # inches of the longer side of a picture on a screen
LINE = 0.17  # inches of a line of words
WRONG, RIGHT = "#b2182b", "#222222"

Words = tuple[str, bool]  # what is said of a picture, and whether it is wrong


def draw_labelled(pictures: np.ndarray, words: Sequence[Sequence[Words]], title: str) -> Any:
    """A grid of pictures.

    Args:
        pictures: [N, H, W, 3] from 0 to 1.
        words: for each of them, a line of each task.
        title: stands above it.
    """
    number, high, wide = pictures.shape[:3]
    rows, lines = -(-number // ACROSS), max(len(own) for own in words)
    width = page().width or ACROSS * (SIDE + 0.25)
    side = (width / ACROSS - 0.25) / max(high, wide)
    height = rows * (high * side + lines * LINE + 0.15) + 0.5
    figure = new_figure(width, height, title, flattest=1.0)
    grid = figure.subplots(rows, ACROSS, squeeze=False).flatten()
    for axis in grid:
        axis.axis("off")
    for axis, picture, own in zip(grid, pictures, words, strict=False):
        axis.imshow(picture, interpolation="nearest")
        for line, (text, wrong) in enumerate(own):
            place: dict[str, Any] = {"xy": (0.5, 0), "xycoords": "axes fraction"}
            place |= {"xytext": (0, -72 * LINE * (line + 0.2)), "textcoords": "offset points"}
            color = WRONG if wrong else RIGHT
            axis.annotate(text, **place, ha="center", va="top", fontsize="x-small", color=color)
    return figure
