"""What was read and prepared once, kept on disk for the next start: one place for all data.

An entry is a folder, named by a key of the files and of all that is done to them, so nothing in it
is ever out of date, and all of it can be deleted at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from time import time

from mtl_cli.basis.errors import check_number, problem

PLACE = "~/.cache/mtl-cli/prepared"
BEGUN = ".writing"  # how the name of an entry begins that is not whole
LONG = 86_400  # seconds after which nobody is still writing one


@dataclass(frozen=True)
class Cache:
    """Where entries are kept, and how much of them.

    Args:
        cache: whether they are kept, or the folder to keep them in.
        cache_gb: of all entries there together; beyond it, those go that were not used for longest.
            The one in use stays, however large.
    """

    cache: bool | str
    cache_gb: float

    def __post_init__(self) -> None:
        if not isinstance(self.cache, bool | str):
            rule = "must be true, false, or a folder"
            raise problem("dataset.cache", rule, self.cache, "dataset.cache=true")
        check_number("dataset.cache_gb", self.cache_gb, "dataset.cache_gb=20", 0)

    def entry(self, key: str) -> Path | None:
        """The folder of an entry, there or not; None: nothing is kept."""
        if self.cache is False:
            return None
        return Path(PLACE if self.cache is True else self.cache).expanduser() / key

    def fill(self, folder: Path, write: Callable[[Path], None]) -> None:
        """Writes an entry beside its place, and renames it; another process may do the same."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(dir=folder.parent, prefix=BEGUN))
        try:
            write(beside)
            try:
                os.replace(beside, folder)
            except OSError:  # it is there by now
                if not folder.is_dir():
                    raise
        finally:
            rmtree(beside, ignore_errors=True)
        self.use(folder)

    def use(self, folder: Path) -> None:
        """Marks an entry as used now, and deletes those beyond the bound."""
        try:
            os.utime(folder)
            others = [own for own in folder.parent.iterdir() if own.is_dir() and own != folder]
            last = {own: own.stat().st_mtime for own in others}
            others = [own for own in others if not is_being_written(own, last[own])]
            room = self.cache_gb * 1e9 - size_of(folder)
        except OSError:  # of somebody else, or being deleted
            return
        for own in sorted(others, key=lambda own: -last[own]):
            room -= size_of(own)
            if room < 0:
                rmtree(own, ignore_errors=True)

    def said(self, folder: Path) -> str:
        """How large an entry is, and where, in a line."""
        megabytes = size_of(folder) / 1e6
        return f"cache       {megabytes:,.1f} MB in {folder}, which can be deleted"


def is_being_written(folder: Path, last: float) -> bool:
    """Whether somebody may still be writing an entry, that was changed last at a time."""
    return folder.name.startswith(BEGUN) and time() - last < LONG


def size_of(folder: Path) -> int:
    """The bytes of an entry."""
    return sum(own.stat().st_size for own in folder.iterdir() if own.is_file())
