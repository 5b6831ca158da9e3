"""What stands beside the settings in a table: the floor, and trees as a reference."""

from __future__ import annotations

from collections.abc import Sequence

from mtl_cli.comparison.group import Seeds, Table
from mtl_cli.comparison.saved_run import is_number, mapping

FLOOR = "always the mean, or the shares of the classes"
ROWS = {
    "floor": FLOOR,
    "reference": "boosted trees, outside the verdict",
}
SHORT = {"floor": "floor", "reference": "trees"}  # where the names above stand beside them


def beside(table: Table, kind: str) -> dict[tuple[str, str], Seeds]:
    """``{(task, metric): {seed: value}}`` of the ``floor`` or the ``reference``, on the table's
    split; empty where the runs say nothing of it."""
    found: dict[tuple[str, str], Seeds] = {}
    for group in table.groups:
        for run in group.runs:
            if run.summary.get("floor_split") != table.split:
                continue
            for task, values in mapping(run.summary.get(kind)).items():
                for metric, value in mapping(values).items():
                    if is_number(value):
                        found.setdefault((task, metric), {})[run.seed] = float(value)
    return found


def beside_rows(table: Table, columns: Sequence[tuple[str, str]]) -> list[tuple[str, list[Seeds]]]:
    """A row of each kind that is there: the kind, and its figures by column."""
    rows = []
    for kind in ROWS:
        figures = beside(table, kind)
        if figures:
            rows.append((kind, [figures.get(column, {}) for column in columns]))
    return rows
