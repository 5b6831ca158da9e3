"""The places of a configuration that take a choice, as the defaults lists of the YAMLs say.

``/loss@loss: mse`` in ``conf/task/regression.yaml`` and ``/task@tasks.sin: regression`` in
``conf/dataset/sincos.yaml`` make ``tasks.sin.loss`` such a place, and ``tasks.<any other>.loss``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"
ENTRY = re.compile(r"^ *- /(\w+)@([\w.]+): *(\w+)", re.MULTILINE)
NAMED = re.compile(r"^(\w+): \{\} *# /(\w+)@\1\.<", re.MULTILINE)  # a mapping, its values' group
WHOLE = ""  # the whole configuration, as if it were a group


@dataclass
class Place:
    """What stands at a place.

    Args:
        group: whose choices it takes.
        may_be_empty: whether null is a choice, too.
        parts: the choices around it that have it; all where it is of the whole configuration.
        named: whether it is a mapping of such choices, under names that anybody may give.
    """

    group: str
    may_be_empty: bool
    parts: list[str] = field(default_factory=list)
    named: bool = False


def place_at(path: str, folders: Sequence[Path]) -> Place | None:
    """The place at a path such as ``tasks.sin.loss``; None where no choice is taken.

    A group's own place, ``arch``, is none: there Hydra needs no help.

    Args:
        path: from the root of the configuration.
        folders: of YAMLs.
    """
    known = places(tuple(folders))
    first, *rest = path.split(".")
    found: Place | None = None
    if first in known[WHOLE]:
        if not rest or not rest.pop(0):
            return None
        found = known[WHOLE][first]
    group = found.group if found else first
    for name in rest:
        if found is not None and found.named:
            found = Place(found.group, may_be_empty=False)
            continue
        found = known.get(group, {}).get(name)
        if found is None:
            return None
        group = found.group
    return None if found is not None and found.named else found


def is_mapping(path: str, folders: Sequence[Path]) -> bool:
    """Whether a path, ``encoder.parts``, is a mapping whose values are choices."""
    around, _, name = path.rpartition(".")
    group = group_of(around, folders)
    return bool((own := places(tuple(folders)).get(group, {}).get(name)) and own.named)


def group_of(key: str, folders: Sequence[Path]) -> str:
    """The group whose choices a key takes: loss of ``tasks.sin.loss`` and ``loss@tasks.sin.loss``.

    Of a key that takes none, itself.
    """
    key = key.lstrip("+~")
    place = place_at(key, folders)
    return place.group if place else key.partition("@")[0]


def is_free(path: str, folders: Sequence[Path]) -> bool:
    """Whether a path is a place under a name that anybody may give: ``tasks.age``."""
    if is_mapping(path.rpartition(".")[0], folders):
        return True
    return path.count(".") == 1 and path.partition(".")[0] in places(tuple(folders))[WHOLE]


@cache
def places(folders: tuple[Path, ...]) -> Mapping[str, Mapping[str, Place]]:
    """``{"task": {"loss": a place for a loss}}``: by the group that has it, and its name there."""
    found: dict[str, dict[str, Place]] = {WHOLE: {}}
    for file in (file for folder in folders for file in sorted(folder.glob("*/*.yaml"))):
        text = file.read_text(encoding="utf-8", errors="replace")
        for name, group in NAMED.findall(text):
            found.setdefault(file.parent.name, {})[name] = Place(group, False, [file.stem], True)
        for group, path, choice in ENTRY.findall(text):
            name, *more = path.split(".")
            if "@package _global_" not in text:
                place = Place(group, choice == "null")
                place = found.setdefault(file.parent.name, {}).setdefault(path, place)
                place.parts.append(file.stem)
            elif len(more) == 1 and not any((folder / name).is_dir() for folder in folders):
                found[WHOLE].setdefault(name, Place(group, may_be_empty=False))
    return found
