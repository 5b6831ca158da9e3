"""Names of tasks, which paths have to be able to say, and the words that give a target another."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from unicodedata import combining, normalize

from mtl_cli.basis.errors import problem
from mtl_cli.basis.shell import OTHER_KINDS
from mtl_cli.command_line.grammar import read_mapping, value

NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)  # of a task
ODD = re.compile(r"\+{0,2}dataset\.(targets|columns)\.([^=]+)=(.*)", re.DOTALL)
OPTIONS = ("kind", "column", "columns", "map", "order", "weight", "where")  # of a target


def targets_in(path: Sequence[str], own: Any) -> dict[Any, Any]:
    """``{target: what is said of it}``, as far as a word of the command line says it.

    Args:
        path: below ``dataset.targets``: empty, a target, or an option of one. Where it goes on with
            what is none, the name of the target has dots.
        own: what is to stand there.
    """
    said = read_mapping(own) or own
    if len(path) > 1 and path[1] not in OPTIONS:
        path = [".".join(path)]
    for key in reversed(path):
        said = {key: said}
    return said if isinstance(said, dict) else {}


def kind_of(target: Any) -> str | None:
    """The kind of task of what is said of a target: ``binary``, or ``{kind: binary, ...}``."""
    kind = target.get("kind") if isinstance(target, Mapping) else target
    return kind if isinstance(kind, str) else None


def check_names(said: Mapping[Any, Any]) -> None:
    """Refuses names of tasks that no path can name: ``tasks.age.weight``.

    Args:
        said: ``{target: what is said of it}``, as it was typed.

    Raises:
        ValueError: where there is one, with the words that give it another name.
    """
    kinds = {as_typed(task): own for task, own in said.items()}
    wrong = [name for name, own in kinds.items() if kind_of(own) and not is_name(name)]
    if wrong:
        rule = "must begin with a letter from a to z, and have such letters, digits, _ and - alone"
        raise problem("the name of a task", rule, wrong[0], renamed(kinds))


def renamed(said: Mapping[str, Any]) -> str:
    """The word that says the same of targets whose names paths can name."""
    mended: dict[str, Any] = {}
    for name, own in said.items():
        if is_name(name):
            mended[name] = own
            continue
        plain = re.sub(r"\W+", "_", in_ascii(name), flags=re.ASCII).strip("_")
        plain = plain if is_name(plain) else f"y_{plain}".strip("_")
        number = next(i for i in count(1) if free(plain, i) not in {*said, *mended})
        whole = dict(own) if isinstance(own, Mapping) else {"kind": own}
        column = {} if {"column", "columns"} & set(whole) else {"column": name}
        mended[free(plain, number)] = {**whole, **column}
    if len(mended) > 1:
        return word("dataset.targets", mended)
    return next(word(f"dataset.targets.{task}", own) for task, own in mended.items())


def in_ascii(name: str) -> str:
    """A name without its accents, as people write it where there are none: ``Rückfälle`` is
    ``Ruckfalle``."""
    apart = normalize("NFKD", name.replace("ß", "ss"))
    return "".join(letter for letter in apart if not combining(letter))


def quoted(typed: str) -> str | None:
    """The word for one of a target or a column whose name is none in Hydra's grammar.

    None: it speaks of none, or nobody knows what it says.
    """
    found = ODD.fullmatch(typed)
    if found is None:
        return None
    option, name, text = found.groups()
    own = read_mapping(text) or text
    if option == "targets" and kind_of(own) is not None:
        return renamed({name: own})
    return word(f"dataset.{option}", {name: own}) if isinstance(own, dict) else None


def names_in(choice: str | None) -> list[str]:
    """The choices of a group: several where ``[tensorboard,mlflow]`` is said."""
    return [name.strip() for name in (choice or "").strip("[]").split(",") if name.strip()]


def free(name: str, number: int) -> str:
    """A name, or another one like it."""
    return name if number == 1 else f"{name}_{number}"


def word(key: str, data: Any) -> str:
    """``key=value`` as it can be typed in a shell, with as few quotes as may be."""
    return shlex.quote(f"{key}={value(data)}")


def is_name(name: str) -> bool:
    """Whether a path can name a task so."""
    return bool(NAME.fullmatch(name)) and name.lower() not in OTHER_KINDS


def as_typed(key: Any) -> str:
    """A key of a mapping as it was typed: ``null``, ``true``, ``2020``."""
    return key if isinstance(key, str) else str(json.dumps(key))
