"""Tab completion of choices inside choices: ``tasks.digit.loss=fo`` becomes ``…=focal``.

Hydra completes all else; it is asked with the words as it reads them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import CONF, place_at
from mtl_cli.command_line.words import for_hydra

FLAGS = ("-sc", "--shell-completion")
LINE = "COMP_LINE"  # where shells say what was typed


def completed(words: Sequence[str]) -> bool:
    """Whether a shell asks for the choices of a place, which are printed then."""
    asked = next((w for flag, w in pairwise(words) if flag in FLAGS), "")
    line = os.environ.get(LINE, "")
    if not asked.startswith("query=") or not line:
        return False
    *before, last = [*line.split(), ""] if line.endswith(" ") else line.split()
    key, equals, begun = last.partition("=")
    folders = conf_folders(CONF, before)
    place = place_at(key.lstrip("+"), folders) if equals else None
    if place is not None:
        files = {file.stem for folder in folders for file in folder.glob(f"{place.group}/*.yaml")}
        found = [f"{key}={name}" for name in sorted(files) if name.startswith(begun)]
        sys.stdout.write(("\n" if asked.endswith("fish") else " ").join(found) + "\n")
        return True
    with suppress(Problem):  # which is said when the command runs
        os.environ[LINE] = " ".join([*before[:1], *for_hydra(before[1:]), last])
    return False
