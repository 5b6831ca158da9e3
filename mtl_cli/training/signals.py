"""SIGINT, SIGTERM and SIGHUP as a wish, heeded at a good moment and not in the middle of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from mtl_cli.basis import ranks

HANGUP = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # a terminal that was closed
SIGNALS = [signal.SIGINT, signal.SIGTERM, *HANGUP]
SIGNALLED = 128  # exit codes above it say which signal ended the command


class Interrupted(BaseException):
    """A signal asked the training to stop; a checkpoint has been written."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


class Signals:
    """Notes the first signal while the block lasts; a second one acts as it always does.

    Of several processes each tells the others in its next step, after which all heed it.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.heard: int | None = None  # of any process
        self.before: dict[int, Any] = {}

    def said(self) -> list[float]:
        """For each of `SIGNALS`, 1 where it was received, for a sum over processes."""
        return [float(self.received == number) for number in SIGNALS]

    def hear(self, sums: Sequence[float]) -> None:
        """Takes note of what all processes `said`."""
        self.heard = next((n for n, some in zip(SIGNALS, sums, strict=True) if some), None)

    @property
    def to_heed(self) -> int | None:
        """The signal of which all processes know at the same step."""
        return self.received if ranks.size() == 1 else self.heard

    def __enter__(self) -> Signals:
        self.received, self.heard, self.before = None, None, {}
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
