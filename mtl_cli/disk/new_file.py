"""Files that commands write: nothing is replaced unasked, and no name leads to another folder."""

from __future__ import annotations

import re
from pathlib import Path

from mtl_cli.basis.errors import problem


def check_new(path: Path, overwrite: bool) -> None:
    """Refuses to write where a file is that the user did not allow to be replaced.

    Raises:
        ValueError: where there is one, or a folder.
    """
    if path.is_dir() or (path.exists() and not overwrite):
        found = "a folder" if path.is_dir() else "a file that is there already"
        fix = "out=<another place>" + ("" if path.is_dir() else ", or overwrite=true")
        raise problem(str(path), "must be a new file", found, fix)


def file_name(name: str) -> str:
    """A name that somebody chose, of a run or a task, as a part of the name of a file or folder.

    Different names stay different: what cannot stand there, and ``%``, is written as in addresses.
    """
    return re.sub(r'[%/\\:*?"<>|\x00-\x1f]|^\.', lambda found: f"%{ord(found[0]):02X}", name)
