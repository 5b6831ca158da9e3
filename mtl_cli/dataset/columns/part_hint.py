"""Columns of text that were most likely meant to be parts of their own: pictures, or texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mtl_cli.dataset.files.column_names import words_for
from mtl_cli.dataset.files.picture_files import PHOTOS

SAMPLE = 200  # different cells that are looked at
WORDS = 3  # that the middle one of texts has


def part_hint(name: str, cells: Sequence[str]) -> str:
    """What to type for a column whose cells differ and look like paths of pictures, or like texts
    of several words; else nothing."""
    some = cells[:SAMPLE]
    pictures = sum(Path(cell).suffix.lower() in PHOTOS for cell in some)
    if 2 * pictures > len(some):
        return f"pictures? {words_for(name, 'type: image, size: [64,64]')} reads them"
    if some and median(len(cell.split()) for cell in some) >= WORDS:
        return f"texts? {words_for(name, 'type: text')} reads them"
    return ""
