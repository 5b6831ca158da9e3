"""Letters that the usual font of pictures has not: those of Chinese, Japanese, Korean, say."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from warnings import catch_warnings, filterwarnings

log = logging.getLogger(__name__)
PLAIN = 0x180  # below, the font that matplotlib brings has every letter
STAND_IN = "Last Resort"  # a font of boxes
FEW = 10  # letters in a message


@contextmanager
def lettered(texts: Sequence[Any]) -> Iterator[None]:
    """Gives texts fonts that have their letters, as far as some are installed; while the block
    lasts, matplotlib is quiet about the others, which are said once.

    Args:
        texts: of a figure, matplotlib's `Text`.
    """
    odd = {text: {letter for letter in text.get_text() if ord(letter) >= PLAIN} for text in texts}
    lacking = {
        text: own - own_letters(tuple(text.get_fontfamily())) for text, own in odd.items() if own
    }
    others = fonts_for(frozenset().union(*lacking.values()))
    for text, own in lacking.items():
        if own:
            text.set_fontfamily([*text.get_fontfamily(), *others])
    with catch_warnings():
        filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        yield


@cache
def own_letters(family: tuple[str, ...]) -> frozenset[str]:
    """The letters of the first font of a family."""
    from matplotlib.font_manager import FontProperties, findfont

    return letters_in(findfont(FontProperties(family=list(family))))


@cache
def letters_in(file: str) -> frozenset[str]:
    """The letters of a font; none where the file cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(file).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


@cache
def fonts_for(lacking: frozenset[str]) -> tuple[str, ...]:
    """The names of installed fonts that have these letters, as few as may be; what none has is
    said, and drawn as boxes."""
    from matplotlib.font_manager import fontManager

    chosen: list[str] = []
    left = lacking
    fonts = [font for font in fontManager.ttflist if STAND_IN not in font.name]
    while left:
        best = max(fonts, key=lambda font: len(left & letters_in(font.fname)))
        if not left & letters_in(best.fname):
            shown = ", ".join(sorted(left)[:FEW]) + ", ..." * (len(left) > FEW)
            log.warning("pictures: no installed font has %s: boxes stand for it there", shown)
            break
        chosen.append(best.name)
        left -= letters_in(best.fname)
    return tuple(chosen)
