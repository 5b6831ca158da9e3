"""A column of a table that holds the paths of pictures."""

from __future__ import annotations

from collections.abc import Sequence

from mtl_cli.basis.errors import nearest, problem

# What such a column is called where nobody says it.
WORDS = "image path file filename file_name filepath image_path picture image_id img images paths"
USUAL = WORDS.split()


def path_column(names: Sequence[str], said: str | None, slot: str) -> str:
    """The column of the paths.

    Args:
        names: of all columns.
        said: what it is called; None: one of the usual names, whatever its capitals.
        slot: of the option that says it.

    Raises:
        ValueError: where there is no such column.
    """
    lower = {name.lower(): name for name in reversed(names)}
    for name in [said] if said else USUAL:
        if name in names or (name in lower and not said):
            return name if name in names else lower[name]
    close = nearest(said or USUAL[0], list(names)) or names[0]
    rule = f"must name the column of the pictures' paths, one of {', '.join(names)}"
    raise problem(slot, rule, said or "none of the usual names", f"{slot}={close}")
