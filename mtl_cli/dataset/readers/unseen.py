"""Cells of new rows that training knew nothing of, which are counted and said."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mtl_cli.dataset.columns.column import Column

if TYPE_CHECKING:
    import pyarrow

log = logging.getLogger(__name__)
SHOWN = 5  # columns that are named


@dataclass
class Unseen:
    """Counts them, part by part.

    Attributes:
        counts: ``{column: (such cells, cells that are not missing, the first of such)}``.
        words: ``{column: what they are, and what becomes of them}``.
    """

    counts: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    words: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, column: Column, cells: pyarrow.ChunkedArray) -> None:
        """Looks at some new cells of a column."""
        number, there, first = column.unseen(cells)
        self.words[column.name] = column.unseen_are
        before, others, known = self.counts.get(column.name, (0, 0, ""))
        self.counts[column.name] = before + number, others + there, known or first

    def warn(self, path: Path) -> None:
        """Says what was counted, where there is something."""
        found = {name: own for name, own in self.counts.items() if own[0]}
        worst = sorted(found, key=lambda name: -found[name][0])
        for name in worst[:SHOWN]:
            number, there, first = found[name]
            what, then = self.words[name]
            all_of_them = "all" if number == there else f"{number:,} of"
            log.warning(
                "%s: %s %s cells of column %s %s (%r first): %s",
                path.name,
                all_of_them,
                f"{there:,}",
                name,
                what,
                first,
                then,
            )
        if len(worst) > SHOWN:
            log.warning("%s: such cells in %d more columns", path.name, len(worst) - SHOWN)
