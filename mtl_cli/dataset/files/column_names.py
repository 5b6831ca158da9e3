"""Names of columns: that they are names and are there, and what to type where they are not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from shlex import quote
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.files.misread import how_to_read, is_misdecoded

PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
MANY = 50  # names of columns in a message


def words_for(name: str, options: str) -> str:
    """What to type for the options of a column; a name that is no word cannot stand in a path.

    Args:
        name: the column's.
        options: ``type: number, decimal: ","``.
    """
    if PLAIN_NAME.fullmatch(name):
        return quote(f"dataset.columns.{name}={{{options}}}")
    shown = name or '""'
    return quote(f"dataset.columns={{{shown}: {{{options}}}}}")


def check_name(thing: str, name: Any) -> None:
    """Refuses what is no name of a column; None says none."""
    if name is not None and not isinstance(name, str):
        fix = f"\"{thing}='{name}'\", in quotes of its own where a name looks like a number"
        raise problem(thing, "must be the name of a column", name, fix)


def check_columns(
    there: Iterable[str], wanted: Iterable[str], thing: str, slot: str | None = None
) -> None:
    """Refuses columns that are not there, and names the nearest.

    Args:
        there: the columns of the file.
        wanted: those that are asked for.
        thing: what asks for them, in the user's words (``dataset.targets``).
        slot: of the options that the file was read by (`ReadOptions`); None: it has none.
    """
    columns, asked = list(there), dict.fromkeys(wanted)
    known = set(columns)
    missing = [name for name in asked if name not in known]
    if not missing:
        return
    more = f", and {len(columns) - MANY:,} more" if len(columns) > MANY else ""
    rule = f"must name columns that are there: {', '.join(columns[:MANY])}{more}"
    free = [column for column in columns if column not in asked]  # others have their use
    close = {name: near for name in missing[:MANY] if (near := nearest(name, free))}
    named = ", ".join(missing[:MANY])
    given = slot in (None, "input")  # then nothing says which columns are read
    fix = f"a file with {named}, too" if given else f"one of those, or a file with {named}"
    if len(missing) == len(close) == len({*close.values()}):
        mends = [f"{near} in place of {name}" for name, near in close.items()]
        fix = f"{close[named]} in its place" if len(close) == 1 else "; ".join(mends)
    if slot and (len(columns) == 1 or not close or is_misdecoded(columns, missing)):
        fix = how_to_read(columns, slot, missing) or fix
    raise problem(thing, rule, named, fix)
