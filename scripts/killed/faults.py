"""What happens to a process at a change of a file: it is killed, or the disk refuses."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from mtl_cli.disk import writing

CAPABILITIES = 0x20080522  # the version of the system's call, of include/uapi/linux/capability.h
OVERRIDES = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root write anywhere
HERE, LAUNCHER = "process 0", "the launcher"


@dataclass(frozen=True)
class Fault:
    """What is to happen, and when.

    Args:
        change: which change of a file, from 1.
        kind: ``kill``, ``full`` (the disk, from then on) or ``read-only`` (the folder is).
        victims: who is killed: of `HERE`, ``process 1`` and `LAUNCHER`.
        folder: of the run.
    """

    change: int
    kind: str
    victims: tuple[str, ...]
    folder: Path

    def happen(self, path: Path) -> None:
        if self.kind == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if self.kind == "read-only":
            take_away(self.folder)
            return
        launcher = psutil.Process().parent()
        assert launcher is not None
        who = members(launcher)
        for victim in sorted(self.victims, key=lambda name: name == HERE):  # itself last
            who[victim].kill()
        time.sleep(0.01)  # the dead of a moment are dead before the next change


def members(launcher: psutil.Process) -> dict[str, psutil.Process]:
    """The processes of a run, by the names that messages have for them."""
    ranks = sorted(launcher.children(), key=lambda own: own.pid)
    return {LAUNCHER: launcher} | {f"process {n}": own for n, own in enumerate(ranks)}


def take_away(folder: Path) -> None:
    """Makes a folder, and those in it, read-only."""
    for place in [folder, *(path for path in folder.iterdir() if path.is_dir())]:
        place.chmod(0o555)


def give_back(folder: Path) -> None:
    """Undoes `take_away`."""
    for place in [folder, *folder.glob("*/")] if folder.is_dir() else []:
        place.chmod(0o755)


def obey_permissions() -> None:
    """Makes this process, if it is root's, ask permissions as those of others have to."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        whose, sets = (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
        libc.capget(whose, sets)
        sets[0] &= ~OVERRIDES
        assert libc.capset(whose, sets) == 0


def watch(before: Callable[[Path, str], None]) -> None:
    """From now on calls ``before`` with a file that is to change, and what is to be added."""
    replace, truncate, append = os.replace, os.truncate, writing.append_text

    def replaced(source: Path, path: Path) -> None:
        before(Path(path), "")
        replace(source, path)

    def truncated(path: Path, length: int) -> None:
        before(Path(path), "")
        truncate(path, length)

    def appended(path: Path, text: str) -> None:
        with writing.in_words(path):
            before(Path(path), text)
        append(path, text)

    os.replace, os.truncate, writing.append_text = replaced, truncated, appended  # type: ignore


class Changes:
    """Counts the changes of files in this process, at one of which something may happen.

    Args:
        fault: what; None: nothing.
    """

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self.count = 0
        if fault is not None and fault.kind == "read-only":
            obey_permissions()
        watch(self.before)

    def before(self, path: Path, added: str) -> None:
        self.count += 1
        if self.fault is None or self.count < self.fault.change:
            return
        if self.fault.kind == "kill":
            if self.count > self.fault.change:
                return
            if added and HERE in self.fault.victims:  # a line of which half is there
                with open(path, "a", encoding="utf-8") as file:
                    file.write(added[: len(added) // 2])
        self.fault.happen(path)
