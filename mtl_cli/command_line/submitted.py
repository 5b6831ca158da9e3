"""Jobs that submitit runs on this machine: what they say, and their end.

Each job is a process of its own that writes to ``.submitit/<its number>`` in the sweep's folder.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtl_cli.command_line.job_line import say

POLL = 0.2  # seconds between two looks
GRACE = 5  # seconds in which a job that was asked to stop writes its checkpoint
LOGGER = "submitit "  # begins the lines that submitit itself writes


class Said:
    """What jobs have written to their files and is not on the terminal yet.

    Args:
        folder: with a folder for each job; what is there already was of others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = {file: file.stat().st_size for file in self.files()}

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*/*_log.out"))

    def show(self) -> None:
        """Shows whole lines alone: those of two jobs are never mixed."""
        for file in self.files():
            with file.open("rb") as text:
                text.seek(self.shown.get(file, 0))
                whole = text.read().rpartition(b"\n")[0]
            if not whole:
                continue
            self.shown[file] = self.shown.get(file, 0) + len(whole) + 1
            for line in whole.decode("utf-8", "replace").splitlines():
                if not line.startswith(LOGGER):
                    say(line)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Shows what the jobs that start in the block say."""
    said, over = Said(folder), threading.Event()

    def follow() -> None:
        while not over.wait(POLL):
            said.show()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        said.show()


@contextmanager
def ended_with(folder: Path) -> Iterator[None]:
    """Ends the jobs that started in the block, where it does not go to its end.

    They are asked first, and write a checkpoint; then they are ended.
    """
    before = numbers(folder)
    try:
        yield
    except BaseException:
        for wish in (signal.SIGTERM, signal.SIGINT):  # at the second, submitit kills them
            begun = [number for number in numbers(folder) - before if runs_here(number)]
            for number in begun:
                with suppress(ProcessLookupError):
                    os.kill(number, wish)
            end = time.monotonic() + GRACE
            while time.monotonic() < end and any(map(runs_here, begun)):
                time.sleep(POLL)
        raise


def numbers(folder: Path) -> set[int]:
    """The processes that jobs of a sweep were started as, of any machine and time."""
    return {int(path.name) for path in folder.glob("*") if path.name.isdecimal()}


def runs_here(number: int) -> bool:
    """Whether this process started it, and it is not over."""
    try:
        return os.waitpid(number, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False
