"""How settings and tasks look in pictures: colours that all can tell apart, lines, and labels.

Colours are for settings, and a setting has the same one in all pictures of a report. Tasks are grey
and told apart by lines and marks; what a verdict says is black, hatched or grey.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from mtl_cli.comparison.table import cut
from mtl_cli.drawing.page import FLATTEST, page

# P. Tol, "Colour Schemes", https://personal.sron.nl/~pault, the scheme "bright" without grey.
COLORS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"]
CLASSES = [*COLORS, "#bbbbbb", "#000000"]  # the scheme's grey too
GREYS = ["#000000", "#6e6e6e", "#a6a6a6"]
LINES: list[Any] = ["-", (0, (6, 2)), (0, (2, 1)), (0, (6, 1, 1, 1))]  # the first is whole
MARKERS = "osD^vP*X"
MOST = 8  # lines in one picture
LONG_NUMBER = re.compile(r"\d+\.\d{6,}(e[+-]?\d+)?")  # 0.30000000000000004


def class_colors(count: int) -> list[Any]:
    """A colour for each of so many classes of pixels, as red, green, blue and 1; beyond 20 each
    is a golden angle of the colour circle from the one before, and as bright as only every third.
    """
    from matplotlib import colormaps
    from matplotlib.colors import hsv_to_rgb, to_rgba

    if count <= len(CLASSES):
        return [to_rgba(color) for color in CLASSES[:count]]
    if count <= 20:
        return [to_rgba(color) for color in colormaps["tab20"].colors[:count]]  # type: ignore[attr-defined]
    circle = [((0.618034 * n) % 1, 0.75, (0.95, 0.7, 0.5)[n % 3]) for n in range(count)]
    return [to_rgba(tuple(hsv_to_rgb(own))) for own in circle]


def look(number: int) -> dict[str, Any]:
    """Colour and line of the setting with this number: dashes show what lies below them."""
    line = LINES[(number + number // 12) % len(LINES)]  # 24 looks, all different
    return {"color": COLORS[number % len(COLORS)], "linestyle": line}


def task_look(number: int) -> dict[str, Any]:
    """Grey, line and mark of the task with this number."""
    return {
        "color": GREYS[number % len(GREYS)],
        "linestyle": LINES[number % len(LINES)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
    }


def point_look(number: int) -> dict[str, Any]:
    """Colour and mark of the setting with this number."""
    marker = MARKERS[number % len(MARKERS)]
    return {"color": COLORS[number % len(COLORS)], "marker": marker, "s": 60 * page().scale ** 2}


def names_of(words: Sequence[str]) -> list[str]:
    """Settings as a picture names them: long numbers cut, where that leaves them different."""
    cut = [LONG_NUMBER.sub(lambda found: f"{float(found[0]):.4g}", own) for own in words]
    return cut if len(set(cut)) == len(set(words)) else list(words)


def label(words: str, width: int = 32) -> str:
    """The words in lines of so many letters."""
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    parts = [line for part in words.split("\n") for line in textwrap.wrap(part, width, **options)]
    pieces = [piece for part in parts for piece in cut(part, width)]
    return "\n".join(line for piece in pieces for line in textwrap.wrap(piece, width)) or words


def axes_title(axis: Any, words: str) -> None:
    """Sets it, in a paper's column in lines that are no wider than that."""
    width = page().width
    axis.set_title(words if width is None else label(words, int(11 * width)), fontsize="small")


def new_figure(width: float, height: float, title: str, flattest: float = FLATTEST) -> Any:
    """A figure without pyplot, which would look for a display.

    Args:
        width: in inches on a screen.
        height: the same.
        title: stands above it.
        flattest: the least part of the height that is left in a column.
    """
    from matplotlib.figure import Figure

    own, high = page().size(width, height, flattest)
    said = label(title, int(13 * own / page().scale))
    if page().width is not None:
        high += 0.16 * said.count("\n")
    figure = Figure(figsize=(own, high), layout="constrained")
    figure.suptitle(said, fontsize="medium")
    return figure


def legend_below(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend for all axes, below them, as wide as the figure lets it be."""
    wrapped = [label(words) for words in labels]
    longest = max((len(line) for text in wrapped for line in text.splitlines()), default=1)
    letters = figure.get_figwidth() * (11 if page().width is None else 19)
    columns = min(max(1, int(letters / (longest + 7))), len(wrapped))
    lines = max((text.count("\n") + 1 for text in wrapped), default=1)
    rows = math.ceil(len(wrapped) / columns)
    high = 0.2 if page().width is None else 0.13  # inches of a line
    figure.set_figheight(figure.get_figheight() + high * lines * rows)
    figure.legend(
        handles,
        wrapped,
        loc="outside lower center",
        ncols=columns,
        fontsize="small" if page().width is None else "x-small",
        frameon=False,
    )
