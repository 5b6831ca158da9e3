"""What a check finds: under a code, by which it can be silenced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.group import Table


@dataclass(frozen=True)
class Finding:
    """One thing that weakens a comparison.

    Args:
        code: of the check.
        said: what was found, with whose it is.
        fix: what to do; command lines stand on lines of their own.
    """

    code: str
    said: str
    fix: str

    @property
    def in_words(self) -> str:
        return f"{self.code}: {self.said}. {self.fix}"


def of_table(comparison: Comparison, table: Table) -> str:
    """How a finding on a table as a whole begins: by its name, where there are several."""
    return f"{table.name}: " if len(comparison.tables) > 1 else ""


def most_of(some: Sequence[object], whole: Sequence[object]) -> bool:
    """Whether something holds of more than half."""
    return 2 * len(some) > len(whole)
