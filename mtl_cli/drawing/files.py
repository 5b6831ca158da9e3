"""How a picture becomes a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtl_cli.disk.writing import written
from mtl_cli.drawing.letters import lettered
from mtl_cli.drawing.page import page


def save(figure: Any, path: Path, **options: Any) -> Path:
    """Writes a picture in which names are names: matplotlib would read ``$...$`` as a formula.

    Args:
        figure: the picture.
        path: ``<name>.png``, which becomes the page's own format.
        options: of matplotlib's ``savefig``.

    Returns:
        The path of the file.
    """
    from matplotlib.text import Text

    own = page()
    path = path.with_name(f"{path.name.removesuffix('.png')}.{own.format}")
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_ticklabels()  # gives the ticks their texts, which they have from drawing else
    texts = figure.findobj(Text)
    for text in texts:
        if "$" in text.get_text() and "\\mathdefault" not in text.get_text():  # numbers on axes
            text.set_parse_math(False)
    if own.format == "pdf":
        options["metadata"] = {"CreationDate": None}  # the same picture is the same file
    with lettered(texts), written(path) as beside:
        if own.width is not None:
            empty_narrow_cells(figure)
        figure.savefig(beside, dpi=own.dots, format=own.format, **options)
    return path


def empty_narrow_cells(figure: Any) -> None:
    """Takes the numbers out of heat maps whose cells are narrower than they are."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        if axes.images and axes.texts:
            rows, columns = axes.images[0].get_array().shape[:2]
            width, height = axes.bbox.width / columns, axes.bbox.height / rows
            boxes = [text.get_window_extent() for text in axes.texts]
            if any(box.width > width or box.height > height for box in boxes):
                for text in axes.texts:
                    text.set_visible(False)
