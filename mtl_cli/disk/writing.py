"""The one place that writes files: beside their place, flushed, and renamed into it.

Whatever comes between, a kill, a full disk, a folder taken away: a file is as it was, or as it was
to become. What a kill leaves beside a file begins with ``PART``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtl_cli.basis.errors import Problem, problem

PART = ".part_"
FIXES = {
    errno.ENOSPC: "more room on that disk, then the command again (of a run: mtl-train resume=...)",
    errno.EFBIG: "ulimit -f unlimited, then the command again (of a run: mtl-train resume=...)",
    errno.ENOENT: "a folder that stays where it is while it is written to",
}
FIXES[errno.EDQUOT] = FIXES[errno.ENOSPC]


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Gives a path beside ``path``, of the same ending, to write to; when the block has ended well,
    what is there takes the place of ``path``.

    Raises:
        ValueError: where that cannot be written.
    """
    with in_words(path), renamed(path) as beside:
        yield beside


@contextmanager
def renamed(path: Path) -> Iterator[Path]:
    """The same for a block that does more than write; what the system refuses it says itself."""
    beside = path.with_name(f"{PART}{os.getpid()}_{path.name}")
    try:
        yield beside
        with in_words(path):
            with open(beside, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Writes a whole file.

    Raises:
        ValueError: where it cannot be written.
    """
    with written(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def append_text(path: Path, text: str) -> None:
    """Adds to the end of a file; all of it, or nothing where the disk is full.

    Raises:
        ValueError: where it cannot be written.
    """
    left = text.encode()
    with in_words(path), open(path, "ab", buffering=0) as file:
        before = file.tell()
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            with suppress(OSError):
                os.truncate(path, before)
            raise


def cut(path: Path, length: int) -> None:
    """Takes the end of a file away.

    Raises:
        ValueError: where it cannot be written.
    """
    with in_words(path):
        os.truncate(path, length)


def make_folder(path: Path) -> Path:
    """Makes a folder in one that is there, unless it is there itself.

    Raises:
        ValueError: where it cannot be made.
    """
    with in_words(path):
        path.mkdir(exist_ok=True)
    return path


def forget_parts(folder: Path) -> None:
    """Takes away what killed writers left, in a folder that nobody else writes into."""
    for path in [*folder.glob(f"{PART}*"), *folder.glob(f"*/{PART}*")]:
        with in_words(path):
            path.unlink()


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Says in four parts what the system refuses."""
    try:
        yield
    except OSError as error:
        raise refused(error, path) from error


def refused(error: OSError, path: Path | None = None) -> Problem:
    """What the system said of a file that cannot be written or read.

    Args:
        error: says why.
        path: which file; None: the error says it, perhaps.
    """
    thing = str(path or error.filename or "a file")
    number = error.errno or 0
    fix = FIXES.get(number, "another folder, or its permissions")
    rule = "must be a file that can be written" if path else "must be there for reading and writing"
    return problem(thing, rule, error.strerror or str(error) or type(error).__name__, fix)
