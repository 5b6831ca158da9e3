"""The processes of a run that starts several: forked beforehand, so that they start at once."""

from __future__ import annotations

import os
import pickle
import signal
import types
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import mtl_cli.run.process
from killed.faults import Changes, Fault
from killed.moments import Moment
from mtl_cli.processes import children


class Waiting:
    """Processes that wait to be those which a launcher starts; they end where it ends before.

    This one must have no threads yet. In all of them, only the first changes files.

    Args:
        number: of them.
        said: the file of what they say; what they imported goes beside it.
        fault: what happens to files, or at a moment; None: nothing.
        live: how a process begins and ends, whose argument is what it does.
    """

    def __init__(
        self,
        number: int,
        said: Path,
        fault: Fault | Moment | None,
        live: Callable[[Callable[[], None], Path], None],
    ) -> None:
        self.left: list[tuple[int, int]] = []  # their ids, and where their environments go
        for own in range(number):
            gets, gives = os.pipe()
            forked = os.fork()
            if forked == 0:
                try:
                    for _, other in [*self.left, (0, gives)]:
                        os.close(other)
                    become(own, gets, said, fault, live)
                finally:
                    os._exit(130)
            os.close(gets)
            self.left.append((forked, gives))
        children.subprocess = types.SimpleNamespace(Popen=self.start)  # type: ignore

    def start(self, words: list[str], env: dict[str, str], start_new_session: bool) -> Started:
        """What `subprocess.Popen` would start."""
        assert start_new_session
        assert words[1:] == ["-m", mtl_cli.run.process.__name__]
        forked, gives = self.left.pop(0)
        with suppress(BrokenPipeError):  # killed while it waited
            os.write(gives, pickle.dumps(env))
        os.close(gives)
        return Started(forked)


def become(
    own: int,
    gets: int,
    said: Path,
    fault: Fault | Moment | None,
    live: Callable[[Callable[[], None], Path], None],
) -> None:
    """Waits for an environment, and then is a process of the run; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as for one that imports
    env = os.read(gets, 1 << 20)
    if not env:
        os._exit(0)
    os.close(gets)
    os.setsid()
    os.environ.clear()
    os.environ.update(pickle.loads(env))
    if own:
        live(mtl_cli.run.process.main, said)
        return
    if isinstance(fault, Moment):
        fault.await_it()
    changes = Changes(fault if isinstance(fault, Fault) else None)

    def main() -> None:
        mtl_cli.run.process.main()
        said.with_suffix(".changes").write_text(str(changes.count), encoding="utf-8")

    live(main, said)


class Started:
    """A process, as `subprocess.Popen` gives it."""

    def __init__(self, number: int) -> None:
        self.pid = number
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if ended else None
        return self.code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)
