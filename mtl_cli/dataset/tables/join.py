"""A file that is joined to each row: where it is, how it is read, and what a run keeps of it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.held import HELD, PREFIX, is_held
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.read import find_files

log = logging.getLogger(__name__)
BLOCK = 1 << 20  # bytes that are read at once


@dataclass(frozen=True)
class Join:
    """One such file, as a run remembers it.

    Args:
        column: whose value, in both files, says which row of the other one belongs to a row.
        path: of the other file.
        columns: what it gives; empty before it was read.
        digest: of its bytes, as training read them; None: Python held its rows.
    """

    column: str
    path: str
    columns: Sequence[str] = ()
    digest: str | None = None

    @property
    def slot(self) -> str:
        """Where it stands in the config."""
        return f"dataset.join.{self.column}"

    def options(self, options: ReadOptions) -> ReadOptions:
        """How the file is read: as the rows are, but by names of its own, which it begins with."""
        own = JoinOptions(options.slot, **as_said(options), place=self.slot)
        own.written, own.decimal, own.origin = options.written, options.decimal, options.origin
        own.lists = options.lists
        return own

    def remembered(self, columns: Sequence[str], options: ReadOptions) -> Join:
        """What a run keeps of it: wherever it is started from, and whatever changes."""
        if is_held(self.path):
            return replace(self, columns=columns)
        path = str(Path(self.path).expanduser().absolute())
        return replace(self, path=path, columns=columns, digest=digest_of(path, options))

    def check(self, options: ReadOptions) -> None:
        """Says where the file is not what it was in training.

        Raises:
            ValueError: where it is gone.
        """
        gives = f"it gives {', '.join(self.columns)} by {self.column}"
        thing = f"{self.path}, which training joined to each row,"
        if is_held(self.path):
            if (name := self.path.removeprefix(PREFIX)) not in HELD:
                fix = f"with mtl_cli.dataset.files.held.held({{{name!r}: rows}}): ..."
                raise problem(thing, f"must be handed over too: {gives}", "no such rows", fix)
        elif not Path(self.path).exists() and not glob(self.path, recursive=True):
            fix = "the file at its place again, or a training without dataset.join"
            raise problem(thing, f"must still be there: {gives}", "no such file", fix)
        elif digest_of(self.path, options) != self.digest:
            log.warning("%s is not as in training: its columns are read as it is now", self.path)


@dataclass
class JoinOptions(ReadOptions):
    """How a file that is joined is read: by the options of the rows, from a path of its own.

    Args:
        place: what gives that path.
    """

    place: str = "dataset.join"

    @property
    def path(self) -> str:
        return self.place


def as_said(options: ReadOptions) -> dict[str, Any]:
    """The options that a config says, but for those of a header."""
    own = vars(options)
    return {name: own[name] for name in ("delimiter", "encoding", "quote", "on_bad_row")}


def digest_of(path: str, options: ReadOptions) -> str:
    """A digest of the bytes of a path's files."""
    digest = hashlib.blake2b(digest_size=16)
    for file in find_files(path, options):
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
