"""What the processes of a launcher do, one run after the other."""

from __future__ import annotations

import pickle
import sys
import traceback

from torch.distributed import DistError

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.processes.leading import JOB, OUTCOME, ask, leading
from mtl_cli.processes.meeting import read, store, write
from mtl_cli.run.follow import follow
from mtl_cli.run.session import run
from mtl_cli.training.signals import SIGNALLED, Interrupted


def be_first() -> None:
    """Runs what `mtl_cli.processes.launch` has left, and leaves the error that ends it."""
    try:
        job, FreshFolders.words, FreshFolders.sweep, sys.path[:] = read(store(), JOB)
        try:
            with leading():
                run(**job)
        except Exception as error:
            write(store(), OUTCOME, portable(error))
            raise SystemExit(1) from None
    except DistError:  # with the store its launcher is gone: nobody is left to tell
        raise SystemExit(1) from None


def portable(error: Exception) -> Exception:
    """An error for another process, with what this one knows of its place."""
    if not isinstance(error, Problem):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # some can be made, and not made again
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def serve() -> None:
    """Trains along with process 0, until that has nothing left to do."""
    try:
        while train_along():
            continue
    except Interrupted as interrupt:
        raise SystemExit(SIGNALLED + interrupt.signal_number) from None


def train_along() -> bool:
    """The next run of process 0, which says how it has ended; gives whether there was one."""
    order = ask()
    if order is None:
        return False
    meeting, (cfg, path, resumed, role, FreshFolders.words, paths) = order
    sys.path += [place for place in paths if place not in sys.path]
    try:
        follow(meeting, cfg, path, resumed, role)
    except Exception as error:
        if not meeting.is_closed():  # a launcher sees that this one has ended, and ends the others
            raise SystemExit(1) from error
    return True
