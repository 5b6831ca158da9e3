"""How a picture becomes a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtl_cli.disk.writing import written


def save(figure: Any, path: Path, **options: Any) -> Path:
    """Writes a picture in which names are names: matplotlib would read ``$...$`` as a formula."""
    from matplotlib.text import Text

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_ticklabels()  # gives the ticks their texts, which they have from drawing else
    for text in figure.findobj(Text):
        if "$" in text.get_text() and "\\mathdefault" not in text.get_text():  # numbers on axes
            text.set_parse_math(False)
    with written(path) as beside:
        figure.savefig(beside, dpi=120, **options)
    return path
