"""Which packages a run folder may name: ours, installed ones that bring parts, and the user's.

What is trusted is said on the command line or in a file of the user's own, never in a run folder.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.own_parts import installed_packages

TRUSTED = ("mtl_cli", "torch", "torchvision", "torchmetrics", "torchjd", "sklearn")


def trusted_packages(trust: Any = ()) -> list[str]:
    """The packages that are trusted beside those of `TRUSTED`.

    Args:
        trust: the names of some, of the command line.

    Raises:
        ValueError: where these, or the lines of the user's file, are no names of packages.
    """
    given = [trust] if isinstance(trust, str) or not isinstance(trust, Collection) else [*trust]
    for name in given:
        if not is_package(name):
            rule = "must name packages, without what is in them"
            first = str(name).partition(".")[0]
            fix = f"'trust=[{first if is_package(first) else 'my_package'}]'"
            raise problem("trust", rule, name, fix)
    installed = {name.partition(".")[0] for name in installed_packages()}
    return list(dict.fromkeys([*sorted(installed), *of_the_user(), *given]))


def own_file() -> Path:
    """The user's file: a package a line, with comments after ``#``."""
    place = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (place if place.is_absolute() else Path.home() / ".config") / "mtl-cli" / "trust"


def of_the_user() -> list[str]:
    """The packages in the user's file; none where there is no file."""
    path = own_file()
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise problem(str(path), "must be a text file", found, f"take {path} away") from error
    names = []
    for number, line in enumerate(lines, start=1):
        name = line.partition("#")[0].strip()
        if name and not is_package(name):
            rule = "must be a package a line, with comments after #"
            raise problem(f"{path}, line {number},", rule, line, "my_package  # a comment")
        names += [name] if name else []
    return names


def is_package(name: Any) -> bool:
    """Whether it is the name of a package, not of something in one."""
    return isinstance(name, str) and name.isidentifier()
