"""Names that were most likely meant to be one: they differ in capitals and spaces alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

MOST = 10  # labels of a map that a remark writes out


def spelled_alike(names: Iterable[str]) -> list[list[str]]:
    """Those of some names that differ in capitals and spaces alone, in groups of two or more."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault("".join(name.casefold().split()), []).append(name)
    return [own for own in groups.values() if len(own) > 1]


def in_words(groups: Sequence[Sequence[str]]) -> str:
    """The first of them, and how many more there are."""
    said = " and ".join(map(repr, groups[0]))
    return f"{said}, and {len(groups) - 1} more such" if len(groups) > 1 else said


def remark_on(task: str, names: Sequence[str]) -> str | None:
    """What to say of the classes of a task; None: nothing."""
    if not (groups := spelled_alike(names)):
        return None
    said = f"{task}: {in_words(groups)} count as classes of their own; "
    if len(names) > MOST:
        return f"{said}a map in dataset.targets.{task}, or one spelling in the file, makes them one"
    return f"{said}map: {as_map(joined(names))} in dataset.targets.{task} makes them one"


def joined(names: Sequence[str]) -> dict[str, str]:
    """``{name: the first of those that are spelled alike}``, of all; empty where none are."""
    first = {name: own[0] for own in spelled_alike(names) for name in own}
    return {name: first.get(name, name) for name in names} if first else {}


def as_map(meant: Mapping[str, str]) -> str:
    """A label map as it is typed."""
    return f"{{{', '.join(f'{name!r}: {one!r}' for name, one in meant.items())}}}"
