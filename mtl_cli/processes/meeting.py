"""What the processes of a run tell each other beside their sums: why one of them ends early.

They tell it through the store that their launcher, or process 0, keeps for them.
"""

from __future__ import annotations

import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch.distributed as dist

from mtl_cli.basis.launched import number_launched, own_number
from mtl_cli.training.signals import Interrupted

OURS = "mtl-cli"  # before all keys
ENDED = "process 0 has ended"
CONNECTED = "process 0 is connected"  # from then on it hears of a death by itself
SOON = 0.02  # seconds between two looks


@dataclass(frozen=True)
class LastWords:
    """Why a process leaves a run before its end.

    Args:
        error: what happened; None: a signal.
        signal: its number.
        in_vain: whether it only waited for another one.
    """

    error: Exception | None
    signal: int = 0
    in_vain: bool = False


@cache
def store() -> dist.Store:
    """What all processes of the launcher can read and write."""
    found = next(iter(dist.rendezvous("env://")))[0]
    return dist.PrefixStore(OURS, found)


def write(place: dist.Store, key: str, thing: Any) -> None:
    """Leaves anything that can be pickled."""
    place.set(key, pickle.dumps(thing))  # type: ignore[arg-type]  # bytes are no str in a stub


def read(place: dist.Store, key: str) -> Any:
    """What stands there; None: nothing."""
    return pickle.loads(place.get(key)) if place.check([key]) else None


def is_lost() -> bool:
    """Whether the store is gone, and with it the launcher that keeps it."""
    try:
        store().check([ENDED])
    except RuntimeError:
        return True
    return False


@contextmanager
def while_launched() -> Iterator[None]:
    """In the block a lost store is no error: process 0 stops, as its launcher's end asks it to."""
    try:
        yield
    except dist.DistError as error:
        raise Interrupted(signal.SIGTERM) from error


def gone_key(number: int) -> str:
    """Where a launcher leaves the last words of a process that could say none."""
    return f"process {number} is gone"


class Meeting:
    """The processes of one run.

    Args:
        name: of this run alone.
    """

    def __init__(self, name: str) -> None:
        self.store = dist.PrefixStore(name, store())

    def say(self, words: LastWords) -> None:
        """Leaves this process's last words, unless the store is gone."""
        with suppress(RuntimeError):
            write(self.store, f"words of process {own_number()}", words)

    def heard(self, seconds: float) -> dict[int, LastWords]:
        """The last words of the others, as soon as all have said some or one has said what is
        wrong; at the latest after so many seconds."""
        end = time.monotonic() + seconds
        found: dict[int, LastWords] = {}
        others = [n for n in range(number_launched()) if n != own_number()]
        while True:
            try:
                for number in (n for n in others if n not in found):
                    said = read(self.store, f"words of process {number}")
                    said = said or read(store(), gone_key(number))
                    if said is not None:
                        found[number] = said
            except RuntimeError:  # the store is gone: nothing more is heard
                return found
            told = any(own.error and not own.in_vain for own in found.values())
            if told or len(found) == len(others) or time.monotonic() > end:
                return found
            time.sleep(SOON)

    def close(self) -> None:
        """Process 0 has written all that it has to say of the run."""
        with suppress(RuntimeError):
            write(self.store, ENDED, True)

    def is_closed(self) -> bool:
        try:
            return self.store.check([ENDED])
        except RuntimeError:  # with the store, process 0 or its launcher has ended
            return True
