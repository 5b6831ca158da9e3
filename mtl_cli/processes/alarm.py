"""Signals of a process among several, outside of the steps of a training."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from mtl_cli.basis.launched import launched
from mtl_cli.training.signals import HANGUP, SIGNALS, Interrupted

MOMENT = 0.02  # seconds


class Alarm:
    """While the block lasts, the first signal ends what this process does, wherever it is; from
    then on, or from `mute` on, it may write down in peace how it ended.

    A launcher sends SIGTERM to all others where one of its processes has failed.
    """

    def __init__(self) -> None:
        self.muted = False
        self.ignored = 0  # signals since then
        self.before: dict[int, Any] = {}
        self.hook = sys.unraisablehook

    def __enter__(self) -> Alarm:
        if launched() and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number not in HANGUP or signal.getsignal(number) != signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self.ring)
            sys.unraisablehook = self.ring_again
        return self

    def ring(self, number: int, frame: FrameType | None) -> None:
        if self.muted:
            self.ignored += 1
            return
        self.mute()
        raise Interrupted(number)

    def ring_again(self, lost: Any) -> None:
        """Once more, since Python drops what a handler raises while an object is deleted."""
        if not isinstance(lost.exc_value, Interrupted):
            self.hook(lost)
            return
        self.muted = False
        number = lost.exc_value.signal_number
        threading.Timer(MOMENT, os.kill, (os.getpid(), number)).start()

    def mute(self) -> None:
        """Lets no signal disturb what follows."""
        self.muted = True

    def __exit__(self, *exc: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self.hook
