"""What the labels of a target stand for, learned of the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtl_cli.dataset.columns.labels import make_label_map, read_map
from mtl_cli.dataset.columns.target import CLASSES, Target
from mtl_cli.dataset.columns.target_options import TargetOptions
from mtl_cli.dataset.files.cells import SeenLabels
from mtl_cli.dataset.files.ordered import order_of
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow


def learn(
    said: TargetOptions, table: pyarrow.Table, place: Place, weight_column: str | None
) -> Target:
    """What is written in the columns of a target, and what it stands for.

    Args:
        said: what the config says of it.
        table: all rows.
        place: where they are from.
        weight_column: of how much rows count for targets that name none of their own.
    """
    kind, columns, weight = said.kind, said.made_of(), said.weight or weight_column
    if kind not in CLASSES and said.map is None:
        return Target(said.task, kind, columns, None, weight)
    seen = SeenLabels()
    if kind in CLASSES:
        seen.add(table.column(columns[0]), place, read_map(said.map or {}))
    order = said.order_of_classes(order_of(table, columns[0]))
    label_map = make_label_map(said.task, kind, seen, said.map, f"{said.slot}.map", order)
    return Target(said.task, kind, columns, label_map, weight)
