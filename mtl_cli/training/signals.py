"""SIGINT, SIGTERM and SIGHUP as a wish, heeded at a good moment and not in the middle of a step."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

HANGUP = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # a terminal that was closed
SIGNALS = [signal.SIGINT, signal.SIGTERM, *HANGUP]


class Interrupted(BaseException):
    """A signal asked the training to stop; a checkpoint has been written."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


class Signals:
    """Notes the first signal while the block lasts; a second one acts as it always does."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self.received, self.before = None, {}
        if threading.current_thread() is threading.main_thread():  # Python's rule for handlers
            for number in SIGNALS:
                # nohup ignores a hang-up; scripts ignore SIGINT for what they start with "&"
                if number not in HANGUP or signal.getsignal(number) != signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self.note)
        return self

    def note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self.restore()

    def restore(self) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __exit__(self, *exc: object) -> None:
        self.restore()
