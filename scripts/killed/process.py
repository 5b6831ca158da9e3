"""`mtl-train` in a process of its own that starts at once, to be ended from outside."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import mtl_cli.run.show
import mtl_cli.train
from killed.faults import Fault
from killed.moments import Moment
from killed.ranks import Waiting
from mtl_cli.disk import one_writer
from mtl_cli.training.signals import SIGNALS


class Process:
    """The command in a process of its own, forked from this one, which has imported everything.

    This one must train nothing: one with threads cannot be forked safely.

    Args:
        words: of the command line.
        said: the file that gets what it says, behind what is there.
        pictures: whether it draws them, which takes longer than to train.
        forks: how many of the processes that it starts are forked, too.
        fault: what happens to the first of those at a change of a file, or to this process at a
            moment; None: nothing.
    """

    def __init__(
        self,
        words: list[str],
        said: Path,
        pictures: bool,
        forks: int = 0,
        fault: Fault | Moment | None = None,
    ) -> None:
        self.code: int | None = None  # its exit code; -9 where SIGKILL ended it
        self.number = os.fork()
        if self.number == 0:
            try:
                be_the_command(words, said, pictures, forks, fault)
            finally:
                os._exit(130)  # only a SIGINT that came after the command's end comes to here

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after so long."""
        end = time.monotonic() + seconds
        while self.code is None:
            ended, status = os.waitpid(self.number, os.WNOHANG)
            if ended:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                return False
            else:
                time.sleep(0.001)
        return True

    def end(self) -> int:
        """Its exit code; a process that hangs is killed after two minutes."""
        if not self.wait(120):
            os.kill(self.number, signal.SIGKILL)
            self.wait(120)
        assert self.code is not None
        return self.code


def be_the_command(
    words: list[str], said: Path, pictures: bool, forks: int, fault: Fault | Moment | None
) -> None:
    """Never returns."""

    def main() -> None:
        os.setsid()
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(file, stream)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        one_writer.STARTED = datetime.now().astimezone().isoformat(timespec="seconds")
        if not pictures:
            mtl_cli.run.show.draw_curves = lambda *args: None
        sys.argv = ["mtl-train", *words]
        if forks:
            Waiting(forks, said, fault, live)
        if isinstance(fault, Moment):
            fault.await_it()
        mtl_cli.train.main()

    live(main, said)


def live(main: Callable[[], None], said: Path) -> None:
    """Does it, and ends this process; leaves what was imported, beside what was said."""
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stdout.flush()
        sys.stderr.flush()
        if code == 0:
            with open(said.with_suffix(".modules"), "a", encoding="utf-8") as file:
                file.write("\n".join([*sys.modules, ""]))
        os._exit(code if isinstance(code, int) else 1)
