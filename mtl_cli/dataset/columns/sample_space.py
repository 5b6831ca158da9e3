"""Sample spaces: a target that has labels only where another, binary one is 1.

A conversion is known of clicked rows alone: Ma et al., "Entire Space Multi-Task Model", SIGIR 2018,
https://arxiv.org/abs/1804.07931; Tang et al., "Progressive Layered Extraction", RecSys 2020,
https://doi.org/10.1145/3383313.3412236, section 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.label_checks import unmapped
from mtl_cli.dataset.columns.labels import FLAGS, LabelMap
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.columns.target_options import TargetOptions
from mtl_cli.dataset.files.cells import SeenLabels, encode
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow


def spaces_first(said: Mapping[str, TargetOptions]) -> list[TargetOptions]:
    """The targets, each after the one that is its sample space.

    Raises:
        ValueError: where a space is no binary target, or targets are each other's.
    """
    found: dict[str, TargetOptions] = {}
    for first in said.values():
        path: list[TargetOptions] = []
        own: TargetOptions | None = first
        while own is not None and own.task not in found:
            if own in path:
                names = " -> ".join([*(step.task for step in path), own.task])
                rule = "must lead to a target that has labels everywhere"
                raise problem(f"{own.slot}.where", rule, f"a circle: {names}", f"~{own.slot}.where")
            path.append(own)
            own = said.get(own.where or "")
            if own is not None and own.kind != "binary":
                slot = path[-1].slot
                rule = "must be a binary target, or a column of zeros and ones"
                fix = f"{own.slot}=binary, or another target or column in {slot}.where"
                raise problem(f"{slot}.where", rule, f"{own.task}, a {own.kind} target", fix)
        found |= {step.task: step for step in reversed(path)}
    return list(found.values())


def space_columns(said: Mapping[str, TargetOptions]) -> list[str]:
    """The columns that are sample spaces without being targets."""
    named = dict.fromkeys(own.where for own in said.values() if own.where is not None)
    return [name for name in named if name not in said]


def check_space(said: TargetOptions, cells: Any, place: Place) -> None:
    """Refuses a column as a sample space that is not of zeros and ones.

    Args:
        said: the target whose space it is.
        cells: of the column.
        place: where the rows are from.
    """
    _, labels = encode(cells)
    if wrong := [label for label in labels if label not in FLAGS]:
        seen = SeenLabels()
        seen.add(cells, place)
        rule = "must be a binary target, or a column of zeros and ones"
        zero = any(FLAGS.get(label) == 0 for label in labels)  # then all else is more than none
        ways = "0: 0, '*': 1" if zero else f"{wrong[0]}: 1, '*': 0"
        word = f"{{kind: binary, column: {said.where}, map: {{{ways}}}}}"
        fix = f'"dataset.targets.space={word}" {said.slot}.where=space'
        raise unmapped(f"{said.slot}.where", wrong, seen, f"{rule}, unlike {said.where}", fix)


def space_of(
    said: TargetOptions, known: Mapping[str, Target], table: pyarrow.Table, place: Place
) -> Target | None:
    """What is 1 in the rows of a target's space, if any: a known target, or a column of zeros and
    ones of a table."""
    where = said.where
    if where is None:
        return None
    if where not in known:
        check_space(said, table.column(where), place)
    zero_one = LabelMap(where, "binary", ["0", "1"], {"0": "0", "1": "1"})
    return known.get(where) or Target(where, "binary", [where], zero_one, None)
