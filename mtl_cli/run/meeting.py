"""What the processes of a run tell each other beside their sums: why one of them ends early.

They tell it through the store that their launcher, or process 0, keeps for them.
"""

from __future__ import annotations

import pickle
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch.distributed as dist

from mtl_cli.basis.launched import number_launched, own_number

OURS = "mtl-cli"  # before all keys
ENDED = "process 0 has ended"
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
            with suppress(RuntimeError):
                for number in (n for n in others if n not in found):
                    said = read(self.store, f"words of process {number}")
                    said = said or read(store(), gone_key(number))
                    if said is not None:
                        found[number] = said
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
