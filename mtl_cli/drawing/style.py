"""How settings look in pictures: colours that all can tell apart, then line styles, and labels."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

# P. Tol, "Colour Schemes", https://personal.sron.nl/~pault, the scheme "bright" without grey.
COLORS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"]
LINES: list[Any] = ["-", (0, (6, 2)), (0, (2, 1)), (0, (6, 1, 1, 1))]  # the first is whole
MOST = 8  # lines in one picture


def look(number: int) -> dict[str, Any]:
    """Colour and line of the setting with this number: dashes show what lies below them."""
    return {"color": COLORS[number % len(COLORS)], "linestyle": LINES[number % len(LINES)]}


def label(words: str, width: int = 32) -> str:
    return "\n".join(textwrap.wrap(words, width)) or words


def new_figure(width: float, height: float, title: str) -> Any:
    """A figure without pyplot, which would look for a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(label(title, int(13 * width)), fontsize="medium")
    return figure


def legend_below(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend for all axes, below them, as wide as the figure lets it be."""
    wrapped = [label(words) for words in labels]
    longest = max((len(line) for text in wrapped for line in text.splitlines()), default=1)
    columns = min(max(1, int(figure.get_figwidth() * 11 / (longest + 6))), len(wrapped))
    lines = max((text.count("\n") + 1 for text in wrapped), default=1)
    rows = math.ceil(len(wrapped) / columns)
    figure.set_figheight(figure.get_figheight() + 0.2 * lines * rows)
    figure.legend(
        handles,
        wrapped,
        loc="outside lower center",
        ncols=columns,
        fontsize="small",
        frameon=False,
    )
