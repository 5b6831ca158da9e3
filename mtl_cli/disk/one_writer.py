"""A run folder has one writer at a time, on one machine or on several that share a disk.

On one machine the system itself holds the lock, and lets go of it however a process ends. A file
in the folder names the holder: for whoever is refused, and for another machine, which a lock of
the system may not reach. Trainings alone ask for it: an evaluation or a diagnosis may look at a run
that is still trained, and writes nothing but whole files of its own.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.disk import writing

try:
    import fcntl
except ImportError:  # Windows locks no folder
    fcntl = None  # type: ignore[assignment]

HOLDER = "writer.json"
STARTED = datetime.now().astimezone().isoformat(timespec="seconds")


class Writer:
    """Whoever may write into a folder.

    Args:
        folder: a run's.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / HOLDER
        self.signed = False

    def holder(self) -> dict[str, Any]:
        """What the file says; empty where it says nothing."""
        try:
            said = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}

    def sign(self) -> None:
        """Names this process, once it begins to change the folder."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        said = {"host": socket.gethostname(), "process": os.getpid(), "started": STARTED}
        self.signed = True
        writing.write_text(self.file, json.dumps(said | {"since": now}))


@contextmanager
def one_writer(folder: Path, unlock: bool) -> Iterator[Writer]:
    """Holds a folder while the block lasts.

    Args:
        folder: there already.
        unlock: whether a holder on another machine, which cannot be asked, is taken for dead.

    Raises:
        ValueError: where another process holds it.
    """
    writer, lock = Writer(folder), locked(folder)
    try:
        said = writer.holder()
        elsewhere = bool(said) and said.get("host") != socket.gethostname()
        if lock is None or (elsewhere and not unlock):
            rule = "has one writer at a time"
            fix = "wait for it, or end it"
            if elsewhere:
                fix += "; where it is dead, resume with unlock=true"
            raise problem(str(folder), rule, in_words(said), fix)
        try:
            yield writer
        finally:
            if writer.signed:
                with suppress(OSError):
                    writer.file.unlink(missing_ok=True)
    finally:
        if lock:
            os.close(lock)


def has_writer(folder: Path) -> bool:
    """Whether somebody writes into a folder, or was killed at it."""
    return (folder / HOLDER).exists()


def locked(folder: Path) -> int | None:
    """The system's lock on a folder, until it is closed; 0: there are none; None: it is held."""
    if fcntl is None:
        return 0
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    except OSError:  # a file system without locks: the file alone tells
        os.close(number)
        return 0
    return number


def in_words(said: dict[str, Any]) -> str:
    known = [f"{key} {said[key]}" for key in ("process", "host", "started", "since") if key in said]
    return f"held by {', '.join(known)}" if known else "held by another process"
