"""The types of columns that there are: a class in a file each, found by its file's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset import types
from mtl_cli.dataset.columns.column import Column
from mtl_cli.dataset.tables.other_words import OPTIONS, TYPES, meant, said_as


@cache
def known_types() -> dict[str, type[Column]]:
    """``{type: its class}``."""
    found = {}
    for name in sorted(module.name for module in iter_modules(types.__path__)):
        module = import_module(f"{types.__name__}.{name}")
        [found[name]] = [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Column)
            if kind.__module__ == module.__name__
        ]
    return found


def name_of(kind: type[Column]) -> str:
    """The word for a type."""
    return kind.__module__.rpartition(".")[2]


def options_of(kind: type[Column]) -> list[str]:
    """The options of a type."""
    return list(signature(kind.learn).parameters)[1:]


def as_text(said: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The columns whose cells are to stay as they are written."""
    return [column for column, own in said.items() if known_types()[own["type"]].as_text]


def roots(said: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """``{column of paths: the folder that they begin in}``; None: that of the file."""
    files = {column: own for column, own in said.items() if known_types()[own["type"]].of_files}
    return {column: own.get("root") for column, own in files.items()}


def separators(said: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """``{column of lists: what stands between their values in text}``; None: nobody says it."""
    lists = {column: own for column, own in said.items() if known_types()[own["type"]].is_list}
    return {column: own.get("split") for column, own in lists.items()}


def dropped(said: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The columns that the user leaves out."""
    return [column for column, own in said.items() if not known_types()[own["type"]].is_read]


def decimal_marks(said: Mapping[str, Mapping[str, Any]], usual: str) -> dict[str, str]:
    """``{column of numbers that are written in a way of their own: its decimal mark}``.

    Args:
        said: ``{column: {"type": ..., its options}}``.
        usual: the mark of a column that says none.
    """
    return {
        name: own.get("decimal", usual)
        for name, own in said.items()
        if own["type"] == "number" and (usual != "." or {"decimal", "thousands"} & own.keys())
    }


def check_said(said: Mapping[str, Any]) -> None:
    """Refuses what ``dataset.columns`` cannot mean.

    Args:
        said: ``{column: {"type": ..., its options}}``.
    """
    if not isinstance(said, Mapping):
        names = isinstance(said, list | tuple)
        fix = "'dataset.columns={<column>: {type: category}}'"
        if names:  # as it was called in earlier versions
            fix = f"'dataset.names=[{','.join(map(str, said))}]', of a file without a header"
        raise problem("dataset.columns", "is a mapping, {column: {type: ...}}", said, fix)
    for column, own in said.items():
        slot, kinds = f"dataset.columns.{column}", list(known_types())
        if not isinstance(own, Mapping) or "type" not in own:
            whole, inner = column, own
            while isinstance(inner, Mapping) and len(inner) == 1 and "type" not in inner:
                [(part, inner)] = inner.items()
                whole = f"{whole}.{part}"
            if isinstance(inner, Mapping) and "type" in inner:  # a name with dots, taken for a path
                fix = f"'dataset.columns={{{whole}: {{type: {inner['type']}}}}}'"
                raise problem(slot, "must say its type", own, fix)
            raise problem(slot, "must say its type", own, meant_column(column, own))
        fix = meant_column(column, own)
        if own["type"] not in kinds:
            raise problem(f"{slot}.type", f"must be one of {', '.join(kinds)}", own["type"], fix)
        options = ["type", *options_of(known_types()[own["type"]])]
        for option in own:
            if option not in options:
                rule = f"has no such option: a {own['type']} has {', '.join(options)}"
                raise problem(f"{slot}.{option}", rule, own[option], fix)


def checked(said: Any, kind: str, slot: str) -> Mapping[str, Any]:
    """The usual options of a type, as they are said in a place of their own; None: nothing is."""
    known = options_of(known_types()[kind])
    if said is not None and not isinstance(said, Mapping):
        fix = f"{slot}.{known[1]}=..."
        raise problem(slot, f"is a mapping of {', '.join(known)}", said, fix)
    for option, value in (said or {}).items():
        if option not in known:
            rule = f"has no such option; it has {', '.join(known)}"
            fix = f"{slot}.{nearest(str(option), known) or known[1]}=..."
            raise problem(f"{slot}.{option}", rule, value, fix)
    return said or {}


def meant_column(column: str, own: Any) -> str:
    """The words for a column, as they were most likely meant: with a type that has the options."""
    kinds = {kind: options_of(known) for kind, known in known_types().items()}
    known = list(dict.fromkeys(option for options in kinds.values() for option in options))
    said = dict(own) if isinstance(own, Mapping) else {"type": own}
    wanted = meant(said.pop("type", None), list(kinds), TYPES)
    named = {meant(option, known, OPTIONS): value for option, value in said.items()}
    fitting = [kind for kind, options in kinds.items() if named.keys() <= {*options}]
    kind = wanted if wanted in fitting or not fitting else fitting[0]
    kind = kind or "category"
    kept = {option: value for option, value in named.items() if option in kinds[kind]}
    return said_as(column, {"type": kind, **kept})


def column_state(column: Column) -> dict[str, Any]:
    """A column as plain data: all but what is as usual."""
    usual = {own.name: own.default for own in fields(column)}  # type: ignore[arg-type]
    said = {name: value for name, value in vars(column).items() if value != usual[name]}
    return {"type": name_of(type(column)), **said}


def column_of(state: Mapping[str, Any]) -> Column:
    """The column that this plain data was."""
    own = dict(state)
    return known_types()[own.pop("type")](**own)
