"""Examples of maps: pictures, and for each task what its labels say beside what was predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_cli.drawing.page import page
from mtl_cli.drawing.painting import Maps, Painted, paint
from mtl_cli.drawing.style import legend_below, new_figure

SIDE = 1.3  # inches of the longer side of a picture on a screen
MISSING: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "#888888",
    "hatch": "/////",
    "linewidth": 0,
}
SAID = ("label", "prediction")


@dataclass(frozen=True)
class TaskMaps:
    """What a task says of some pictures.

    Args:
        name: of the task.
        maps: labels and predictions.
        unit: of its numbers; empty: none is known.
    """

    name: str
    maps: Maps
    unit: str = ""


def draw_examples(pictures: np.ndarray, tasks: Sequence[TaskMaps], title: str) -> Any:
    """On a screen a row is a picture; in a paper's column a column is one.

    Args:
        pictures: [N, H, W, 3] from 0 to 1.
        tasks: each with N maps of labels and of predictions.
        title: stands above it.
    """
    painted = {own.name: paint(own.maps) for own in tasks}
    kinds: list[tuple[str, Sequence[np.ndarray]]] = [("picture", list(pictures))]
    for own in tasks:
        parts = zip(SAID, painted[own.name].parts, strict=True)
        kinds += [(f"{own.name}\n{word}", list(part)) for word, part in parts]
    across = page().width is None  # kinds stand beside each other, else below
    shape = (len(pictures), len(kinds))
    figure = new_figure(*size(pictures.shape, len(kinds)), title, flattest=1.0)
    grid = figure.subplots(*(shape if across else shape[::-1]), squeeze=False)
    grid = grid if across else grid.T
    for column, (words, images) in zip(grid.T, kinds, strict=True):
        for axis, image in zip(column, images, strict=True):
            show(axis, image)
        if across:
            column[0].set_title(words, fontsize="small")
        else:
            column[0].set_ylabel(words, fontsize="xx-small")
    for number, own in enumerate(tasks):
        add_scale(figure, grid[:, 2 * number + 1 : 2 * number + 3], own, painted[own.name])
    add_legend(figure, tasks, painted)
    return figure


def size(shape: Sequence[int], kinds: int) -> tuple[float, float]:
    """Inches of a figure of pictures [N, H, W, 3], so that none is squeezed."""
    number, high, wide = shape[:3]
    width = page().width
    if width is None:
        side = SIDE / max(high, wide)
        return max(4.0, kinds * (wide * side + 0.1) + 0.3), number * (high * side + 0.1) + 1.3
    each = (width - 0.8) / number  # beside words and bars
    return width, kinds * (each * high / wide + 0.05) + 0.4


def show(axis: Any, image: np.ndarray) -> None:
    """Draws one; what is transparent is hatched."""
    axis.imshow(image, interpolation="nearest")
    axis.patch.set(**MISSING)
    axis.set(xticks=[], yticks=[])


def add_scale(figure: Any, axes: Any, task: TaskMaps, painted: Painted) -> None:
    """A bar beside labels and predictions, which says what their colours stand for."""
    if painted.scale is None:
        return
    place: dict[str, Any] = {"location": "bottom", "shrink": 0.9, "aspect": 30}
    if page().width is not None:
        place = {"location": "right", "shrink": 0.9, "aspect": 25}
    bar = figure.colorbar(
        painted.scale, ax=axes.flatten().tolist(), extend=painted.beyond, pad=0.01, **place
    )
    bar.set_label(scale_words(task), fontsize="x-small")
    bar.ax.tick_params(labelsize="xx-small" if page().width is not None else "x-small")


def scale_words(task: TaskMaps) -> str:
    """What the numbers of a bar are."""
    if task.maps.shown_as == "shares":
        return f"{task.name}: probability"
    return f"{task.name} [{task.unit}]" if task.unit else task.name


def add_legend(figure: Any, tasks: Sequence[TaskMaps], painted: Mapping[str, Painted]) -> None:
    """What single colours stand for, task by task, and what is hatched."""
    from matplotlib.patches import Patch

    several = sum(bool(painted[own.name].legend) for own in tasks) > 1
    handles: list[Any] = []
    words: list[str] = []
    for own in tasks:
        for color, name in painted[own.name].legend:
            handles.append(Patch(facecolor=color, edgecolor="#888888", linewidth=0.5))
            words.append(f"{own.name}: {name}" if several else name)
    if any((part[..., 3] == 0).any() for own in painted.values() for part in own.parts):
        handles.append(Patch(**MISSING))
        words.append("no label")
    if handles:
        legend_below(figure, handles, words)
