"""Process 0 alone reads a command line; the others ask it for what to train, again and again.

Each asks by a new name and is answered by it, so that what killed processes have left in a store
that outlives them is of nobody.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mtl_cli.basis.errors import problem
from mtl_cli.basis.launched import number_launched, own_number
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.command_line.own_parts import resume_line
from mtl_cli.command_line.sweep import sweep_of
from mtl_cli.disk.run_folder import seen_from_here
from mtl_cli.processes.meeting import (
    SOON,
    Meeting,
    gone_key,
    read,
    store,
    while_launched,
    write,
)
from mtl_cli.trust.foreign import strangers

LINE = "the command line that goes on"
MEETING = "the name of the last meeting"
THERE = "process 0 is there"
JOB, OUTCOME = "the job", "the error"  # where `mtl_cli.processes.launch` leaves it, and process 0
NOTHING = ()  # the answer where nothing is left to do
FOREVER = timedelta(days=1000)
FAREWELL = 10  # seconds in which a process hears that nothing is left to do


@while_launched()
def publish(job: Any, seconds: float) -> Meeting:
    """Gives all other processes something to do, and begins when they have it.

    Raises:
        ValueError: where one does not come within so many seconds.
        Interrupted: where the launcher is gone.
    """
    place, name = store(), uuid.uuid4().hex
    write(place, THERE, True)
    answer = (name, job)
    left = set(range(1, number_launched()))
    end = time.monotonic() + seconds
    while left:
        for number in sorted(left):
            if (words := read(place, gone_key(number))) is not None:
                raise words.error
            answer_to(number, answer)
            if place.check([f"{name} has process {number}"]):
                left.discard(number)
        if time.monotonic() > end:
            rule = f"must come within runtime.wait={seconds:g} seconds"
            found = f"no answer of {len(left)} among {number_launched()}"
            raise problem(f"process {min(left)}", rule, found, "a look at its machine")
        time.sleep(SOON)
    write(place, MEETING, name)
    return Meeting(name)


def answer_to(number: int, answer: tuple[Any, ...]) -> str | None:
    """Answers what a process has asked last; gives where it stands, None if it never asked."""
    asked = read(store(), f"process {number} asks")
    if asked is None:
        return None
    key = f"for {asked}"
    if not store().check([key]):
        write(store(), key, answer)
    return key


def ask() -> tuple[Meeting, Any] | None:
    """What process 0 wants to be done next; None: nothing more."""
    place, name = store(), uuid.uuid4().hex
    write(place, f"process {own_number()} asks", name)
    place.wait([f"for {name}"], FOREVER)
    answer = read(place, f"for {name}")
    if answer == NOTHING:
        write(place, f"for {name} taken", True)
        return None
    meeting, job = answer
    write(place, f"{meeting} has process {own_number()}", True)
    return Meeting(meeting), job


@contextmanager
def leading() -> Iterator[None]:
    """Process 0, while its command lasts: then nothing is left to do for the others.

    Of a command that its launcher has started once more, it goes on with what had begun.
    """
    begun = recall()
    if begun is not None:
        sys.argv[1:] = shlex.split(begun)[1:]
    try:
        yield
    except BaseException as error:
        seconds = FAREWELL if isinstance(error, SystemExit) and not error.code else 0
        dismiss(seconds)
        raise
    dismiss(FAREWELL)


def dismiss(seconds: float) -> None:
    """Tells the others that nothing is left to do, and waits so long until they know."""
    end = time.monotonic() + seconds
    left = set(range(1, number_launched()))
    with suppress(RuntimeError):
        while left:
            for number in sorted(left):
                key = answer_to(number, NOTHING)
                gone = store().check([gone_key(number)])
                if gone or (key is not None and store().check([f"{key} taken"])):
                    left.discard(number)
            if time.monotonic() > end:
                return
            time.sleep(SOON)


def line_of(cfg: DictConfig, path: Path) -> str:
    """The command line that goes on with a run, or with the sweep that it is of."""
    whole = seen_from_here(sweep_of(path) or path)
    return resume_line(whole, FreshFolders.words, strangers(cfg))


def remember(line: str) -> None:
    """Keeps the command line that goes on with what has begun, for another life."""
    write(store(), LINE, line)


def recall() -> str | None:
    """What was kept; a launcher's store outlives its processes, as torchrun's does."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    return read(store(), LINE)
