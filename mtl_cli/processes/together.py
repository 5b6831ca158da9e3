"""The processes of a run as a group, from its start to every kind of end."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch
import torch.distributed as dist

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.launched import number_launched, own_number
from mtl_cli.disk.writing import refused
from mtl_cli.processes.alarm import Alarm
from mtl_cli.processes.meeting import CONNECTED, SOON, LastWords, Meeting, is_lost, store, write
from mtl_cli.training.signals import Interrupted

WORDS = 3  # seconds in which a process that fails says why
LINGER = 10  # seconds in which process 0 says how a run has ended, before a launcher ends it
BRIEF = 2  # the same after an error: where something holds a connection, its end alone closes it
GO_ON = "resume=<this run's folder>, which goes on from the last checkpoint"
HANGS = ("Timed out", "timeout")  # what torch says of one that is there and does not answer


class InVain(Problem):
    """Of a process that waits for another one, which says nothing."""


@contextmanager
def together(meeting: Meeting, seconds: int, alarm: Alarm) -> Iterator[None]:
    """While the block lasts, this process and the others of its launcher are a group.

    Where one of them fails, the others fail with its words; where one is interrupted, all are.

    Args:
        meeting: of the run.
        seconds: that one waits for another.
        alarm: which is muted where this process ends early.
    """
    engine = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(
            engine,
            timeout=timedelta(seconds=seconds),
            store=meeting.store,
            rank=own_number(),
            world_size=number_launched(),
        )
        if own_number() == 0:
            write(store(), CONNECTED, True)
        yield
    except (Interrupted, Exception) as error:
        alarm.mute()
        why = reason(error, meeting, seconds)
        meeting.say(last_words(why))
        if dist.is_initialized() and dist.group.WORLD is not None:
            with suppress(RuntimeError):
                dist.group.WORLD.abort()  # else the others hear nothing while something holds it
        if why is error:
            raise
        raise why from error
    finally:
        end()


def end() -> None:
    """Leaves the group: from now on this process is alone."""
    if dist.is_initialized():
        with suppress(RuntimeError):
            dist.destroy_process_group()


def reason(
    error: Interrupted | Exception, meeting: Meeting, seconds: int
) -> Interrupted | Exception:
    """Why this process ends: its own error, or what another one says."""
    broken = ranks.is_broken(error)
    stopped = isinstance(error, Interrupted)  # by the user, or since another one has failed
    if not broken and not stopped:
        return error
    heard = meeting.heard(WORDS if broken else 0)
    for words in heard.values():
        if words.error is not None and not words.in_vain:
            return words.error
    if stopped:
        return error
    for words in heard.values():
        if words.signal:
            return Interrupted(words.signal)
    if own_number() == 0 and is_lost():  # what asks it to stop then may be late
        return Interrupted(signal.SIGTERM)
    silent = [n for n in range(number_launched()) if n not in {own_number(), *heard}]
    return gone(silent, seconds if any(word in str(error) for word in HANGS) else None)


def gone(silent: Collection[int], seconds: int | None) -> InVain:
    """Of processes that say nothing, for so many seconds; None: their connection broke."""
    who = " and ".join(map(str, silent))
    thing = f"process {who} of {number_launched()}" if silent else "each process"
    if seconds is None:
        found = "its connection broke: it was killed, or its machine is lost"
        return InVain(thing, "must train along", found, GO_ON)
    rule = f"must answer within runtime.wait={seconds} seconds"
    return InVain(thing, rule, "no answer: it hangs, or was killed", GO_ON)


def last_words(why: Interrupted | Exception) -> LastWords:
    """What this process leaves to the others."""
    if isinstance(why, Interrupted):
        return LastWords(None, why.signal_number)
    if isinstance(why, InVain):
        return LastWords(why, in_vain=True)
    return LastWords(told(why) if own_number() else why)


def told(error: Exception) -> Exception:
    """An error of this process as another one tells it: with its number, and where it was."""
    if isinstance(error, OSError):
        error = refused(error)
    who = f"process {own_number()}"
    if isinstance(error, Problem):
        found = problem(f"{who}: {error.thing}", error.rule, error.found, error.fix)
    else:
        said = ": ".join(filter(None, [type(error).__name__, str(error)]))
        found = problem(who, "must train along", said, f"train.log, which says where; {GO_ON}")
    found.add_note("".join(traceback.format_exception(error)))
    return found


def linger(meeting: Meeting, alarm: Alarm, seconds: int) -> None:
    """Gives process 0 the time to say how the run has ended: a launcher ends all when one does."""
    end_of_it = time.monotonic() + seconds
    while not meeting.is_closed() and not alarm.ignored and time.monotonic() < end_of_it:
        time.sleep(SOON)
