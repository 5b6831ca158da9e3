"""What pictures are made for: a screen, or a paper's column, whose width they then have.

All fonts and lines are set here. On a screen they are matplotlib's own. In a column of a paper the
picture is as wide as the column and is not made smaller there, so that its letters are as large as
they say: none is below 5 pt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from mtl_cli.basis.errors import check_choice, problem

FORMATS = ["png", "pdf"]
INCHES = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0, "pt": 1 / 72.27}
COLUMN_ROWS = 4  # of axes in one picture
LEAST, MOST = 1.5, 40.0  # inches of a column
SCREEN_FONT, COLUMN_FONT = 10.0, 9.0  # pt; "xx-small", the least that is used, is 0.58 of it
SCREEN_DOTS, COLUMN_DOTS = 120, 300  # an inch
FLATTEST = 0.45  # height of axes in a column, of that on a screen
COLUMN: dict[str, Any] = {
    "font.size": COLUMN_FONT,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.6,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.2,
    **{f"{axis}tick.major.{what}": value for axis in "xy" for what, value in
       (("size", 2.5), ("width", 0.6), ("pad", 2.0))},
}  # fmt: skip
ALWAYS: dict[str, Any] = {"pdf.fonttype": 42}  # letters as letters, which journals ask for


@dataclass(frozen=True)
class Page:
    """What ``pictures.format`` and ``pictures.width`` set.

    Args:
        format: of the files, of `FORMATS`.
        width: of a column, in inches; None: a screen, where a picture is as wide as it needs.
    """

    format: str
    width: float | None

    @property
    def scale(self) -> float:
        """Letters, of those on a screen."""
        return 1.0 if self.width is None else COLUMN_FONT / SCREEN_FONT

    @property
    def dots(self) -> int:
        return SCREEN_DOTS if self.width is None else COLUMN_DOTS

    @property
    def style(self) -> Any:
        """Of matplotlib."""
        return ALWAYS if self.width is None else ALWAYS | COLUMN

    def beside(self, most: int, least: float = 1.6) -> int:
        """How many axes stand side by side: ``most`` on a screen; in a column as many as find
        ``least`` inches each."""
        return most if self.width is None else max(1, min(most, int(self.width / least)))

    def holds(self, axes: int, most: int) -> bool:
        """Whether a picture holds so many axes, ``most`` of them beside each other on a screen, and
        is not higher than a column lets it be."""
        return self.width is None or axes <= COLUMN_ROWS * self.beside(most)

    def size(self, width: float, height: float, flattest: float = FLATTEST) -> tuple[float, float]:
        """The inches of a picture that has so many on a screen; in a column it is flatter, where
        it is narrower, but not below a part of its height."""
        if self.width is None:
            return width, height
        return self.width, height * min(1.0, max(flattest, self.width / width))


SCREEN = Page("png", None)
OPEN: ContextVar[Page] = ContextVar("page", default=SCREEN)


def page() -> Page:
    """The page that is drawn on."""
    return OPEN.get()


@contextmanager
def drawing_on(own: Page) -> Iterator[None]:
    """What is drawn in the block is drawn for this page."""
    before = OPEN.set(own)
    try:
        if own == SCREEN:  # which needs no matplotlib where nothing is drawn
            yield
            return
        import matplotlib

        with matplotlib.rc_context(own.style):
            yield
    finally:
        OPEN.reset(before)


def read_page(format: Any, width: Any) -> Page:
    """The page of two options.

    Args:
        format: ``png`` or ``pdf``.
        width: ``85mm``, ``8.5cm``, ``3.3in``, ``240pt``; None: a screen.

    Raises:
        ValueError: where they are something else.
    """
    check_choice("pictures.format", format, FORMATS, "pictures.format=pdf")
    if width is None:
        return Page(format, None)
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*(mm|cm|in|pt)\s*", str(width))
    inches = float(found[1]) * INCHES[found[2]] if found else 0.0
    if not LEAST <= inches <= MOST:
        rule = f"must be a width with its unit (mm, cm, in, pt), {LEAST:g} to {MOST:g} inches"
        raise problem("pictures.width", rule, width, "pictures.width=85mm")
    return Page(format, inches)
